"""openapi.yaml: written by the program from the routes and their schemas, so that it cannot drift."""

import copy
import re
from threading import Lock
from typing import Any

import yaml
from flask import Flask
from flask_swagger_ui import get_swaggerui_blueprint

from server.api.app_versions import ALWAYS
from server.api.conditional import IF_NONE_MATCH
from server.api.kinds import KINDS
from server.api.problems import Problem
from server.api.versions import IF_MATCH
from server.extensions import api
from server.models import Role
from server.schemas.fields import Choice, Instant, Number, Rating

ABOUT = """\
Daily craving and mood check-ins between TMS sessions, and alerts for the care team.

Sign in with `POST /v1/tokens` and send `Authorization: Bearer <access_token>`. Errors are problem
documents (RFC 9457); each `type` is a page. Instants are RFC 3339 with an offset, local days YYYY-MM-DD.
"""


METHODS = ("get", "put", "post", "patch", "delete")
# Threads of one process may ask for the description at once.
_gathering = Lock()


def describe(app: Flask) -> None:
    app.config.update(API_TITLE="Interlude", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api.ERROR_SCHEMA = Problem
    api.init_app(
        app,
        spec_kwargs={
            "info": {"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
            "servers": [{"url": "/"}],
        },
    )
    api.waiting = []
    # It would print what is gathered so far; server.local.openapi writes all of it.
    app.cli.commands.pop("openapi")
    api.register_field(Rating, "number", None)
    api.register_field(Number, "number", None)
    api.register_field(Instant, "string", "date-time")
    api.register_field(Choice, "string", None)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    for slug, kind in KINDS.items():
        api.spec.components.response(
            slug,
            {
                "description": f"{kind.title}. {kind.meaning} {kind.remedy}",
                "content": {"application/problem+json": {"schema": Problem}},
            },
        )
    # Swagger UI from its own package: /docs works where there is no internet.
    app.register_blueprint(
        get_swaggerui_blueprint("/docs", "/openapi.json", config={"app_name": "Interlude", "validatorUrl": None})
    )


def description() -> dict[str, Any]:
    """The OpenAPI document: what flask-smorest gathered, with the errors that every operation shares."""
    described = _gathered()
    for name in ("UNPROCESSABLE_ENTITY", "DEFAULT_ERROR"):
        described["components"]["responses"].pop(name, None)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                _complete(operation, path, method)
    return described


def _gathered() -> dict[str, Any]:
    with _gathering:
        while api.waiting:
            api.waiting.pop(0)()
        gathered: dict[str, Any] = copy.deepcopy(api.spec.to_dict())
    return gathered


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    """Errors that no route needs to mention, and a name for generated clients."""
    responses = operation["responses"]
    responses.pop("default", None)
    slugs = ["server-error", "unavailable"]
    if "422" in responses:
        slugs.append("invalid")
    if "requestBody" in operation:
        slugs += ["not-json", "too-large", "unsupported-media-type"]
    if "{" in path:
        slugs.append("not-found")
    for status, header in (("304", IF_NONE_MATCH), ("412", IF_MATCH)):
        if status in responses:
            operation["parameters"] = [*operation.get("parameters", ()), header]
    if method == "get" and str(Role.PATIENT) in operation.get("x-roles", ()) and path not in ALWAYS:
        slugs.append("app-too-old")
    for slug in slugs:
        responses[str(KINDS[slug].status)] = {"$ref": f"#/components/responses/{slug}"}
    operation["responses"] = dict(sorted(responses.items()))
    words = [re.sub(r"[-.]", "_", part.strip("{}")) for part in path.split("/") if part and part != "v1"]
    operation["operationId"] = "_".join([method, *words])


def openapi_yaml() -> str:
    """The whole description, as the file in the repository."""
    return yaml.safe_dump(description(), sort_keys=False, allow_unicode=True, width=110)
