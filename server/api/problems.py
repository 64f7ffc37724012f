"""Every error answer is one RFC 9457 problem document, and its `type` is a page that a browser can open."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from flask import Flask, Response, g, json, render_template, request
from marshmallow import Schema, fields
from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import ObjectDeletedError
from werkzeug.exceptions import HTTPException

from server.api.kinds import KINDS
from server.errors import (
    Busy,
    Conflict,
    DomainError,
    MfaEnrolmentRequired,
    MfaRequired,
    NotFound,
    Outdated,
    ParticipationWithdrawn,
    PasswordNeeded,
    Refused,
    SignInFailed,
    TooMany,
    Unconditional,
)
from server.extensions import db
from server.languages import language, say
from server.logs import described
from server.models import Role
from server.schemas.check_ins import Support

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


_BY_STATUS = {
    400: "bad-request",
    401: "not-signed-in",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    412: "outdated",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
    426: "app-too-old",
    428: "if-match-missing",
    429: "too-many-requests",
    503: "unavailable",
}
_BY_ERROR = {
    NotFound: "not-found",
    Conflict: "conflict",
    Outdated: "outdated",
    Unconditional: "if-match-missing",
    SignInFailed: "sign-in-failed",
    Refused: "invalid",
    TooMany: "too-many-requests",
    Busy: "unavailable",
    PasswordNeeded: "password-needed",
    MfaRequired: "mfa-required",
    MfaEnrolmentRequired: "mfa-enrolment-required",
    ParticipationWithdrawn: "participation-withdrawn",
}


class FieldError(Schema):
    pointer = fields.String(required=True, metadata={"example": "#/craving"})
    detail = fields.String(required=True)


class Problem(Schema):
    """RFC 9457."""

    type = fields.String(required=True, metadata={"example": "/problems/invalid"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    errors = fields.List(fields.Nested(FieldError))
    support = fields.Nested(
        Support, metadata={"description": "Of a report that was refused, as of one that was taken."}
    )
    care_team_told = fields.Boolean(
        metadata={"description": "A yes to self_harm_thoughts, in what was refused, was passed on all the same."}
    )
    request_id = fields.String(metadata={"description": "As in the answer's X-Request-ID, and in our log."})


def document(slug: str, detail: str | None = None, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    kind = KINDS[slug]
    body: dict[str, Any] = {"type": f"/problems/{slug}", "title": say(kind.title), "status": kind.status}
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = errors
    return body


def document_of(error: DomainError, within: str) -> dict[str, Any]:
    """Of one of many that a request asks; `within`: where in it the fields are, as a pointer."""
    detail = say(error.message, **error.values)
    errors = [{"pointer": f"{within}{error.field}", "detail": detail}] if isinstance(error, Refused) else None
    return document(_BY_ERROR[type(error)], detail, errors)


def problem(
    slug: str,
    detail: str | None = None,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    kind, body = KINDS[slug], document(slug, detail, errors)
    body |= g.get("refusal", {})
    if "request_id" in g:
        body["request_id"] = g.request_id
    if request.accept_mimetypes.best == "text/html":
        # A browser, so a person: the page that `type` names says it better.
        answer = Response(page_of(slug), kind.status, headers)
    else:
        answer = Response(json.dumps(body), kind.status, headers, content_type="application/problem+json")
    if kind.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = "5"
    return answer


def page_of(slug: str) -> str:
    """What a kind of problem means, for people."""
    return render_template("problem.html", slug=slug, kind=KINDS[slug], say=say, language=language())


def register(app: Flask) -> None:
    """One shape for every error, whoever raises it."""
    app.register_error_handler(DomainError, of_domain_error)
    app.register_error_handler(HTTPException, of_http_exception)
    app.register_error_handler(IntegrityError, of_integrity_error)
    app.register_error_handler(ObjectDeletedError, of_object_deleted)
    app.register_error_handler(OperationalError, of_database_away)
    app.register_error_handler(PoolTimeout, of_database_away)
    app.register_error_handler(Exception, of_exception)


def of_domain_error(error: DomainError) -> Response:
    db.session.rollback()
    detail = say(error.message, **error.values)
    errors = [{"pointer": f"#/{error.field}", "detail": detail}] if isinstance(error, Refused) else None
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooMany) else None
    return problem(_BY_ERROR[type(error)], detail, errors, headers)


def of_http_exception(error: HTTPException) -> Response:
    db.session.rollback()
    if error.code is not None and error.code < HTTPStatus.BAD_REQUEST:
        return Response(status=error.code, headers=error.get_headers())
    slug = _BY_STATUS.get(error.code or 500, "bad-request" if (error.code or 500) < 500 else "server-error")
    sent: dict[str, Any] = getattr(error, "data", None) or {}
    if "not_json" in sent:
        return problem("not-json", say(sent["not_json"].message, **sent["not_json"].values))
    headers = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if slug == "method-not-allowed" else None  # type: ignore[attr-defined]
    return problem(slug, errors=list(_pointers(sent.get("messages") or {})), headers=headers)


def of_integrity_error(error: IntegrityError) -> Response:
    """A patient who was erased while staff wrote about them is not there; any other is a fault of ours."""
    caller = g.get("caller")
    if isinstance(error.orig, ForeignKeyViolation) and caller is not None and caller.role is not Role.PATIENT:
        key = error.orig.diag.constraint_name or ""
        if key.endswith("_patient_id_clinic_id"):
            return of_domain_error(NotFound("There is no such patient."))
    return of_exception(error)


def of_object_deleted(error: ObjectDeletedError) -> Response:
    """What was asked for is done, and the patient has erased it before it could be shown."""
    caller = g.get("caller")
    if caller is not None and caller.role is not Role.PATIENT:
        return of_domain_error(NotFound("There is no such patient."))
    return of_exception(error)


def of_database_away(error: DBAPIError | PoolTimeout) -> Response:
    log.error("the database is away", error=described(error))
    db.session.rollback()
    return problem("unavailable")


def of_exception(error: Exception) -> Response:
    log.error("a request broke", error=described(error))
    db.session.rollback()
    return problem("server-error")


def pointers_in(error: HTTPException) -> list[str]:
    """Which fields a 422 blames."""
    sent: dict[str, Any] = getattr(error, "data", None) or {}
    return [blamed["pointer"] for blamed in _pointers(sent.get("messages") or {})]


def pointers_of(messages: Any) -> list[dict[str, str]]:
    """marshmallow's nested messages as JSON pointers, each with what is wrong."""
    return list(_within(messages, "#"))


def _pointers(messages: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """webargs' nested messages, the first level of which is the location, as JSON pointers."""
    for inner in messages.values():
        yield from _within(inner, "#")


def _within(messages: Any, at: str) -> Iterator[dict[str, str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            # As RFC 6901 has it inside a URI fragment.
            step = quote(str(key)[:64].replace("~", "~0").replace("/", "~1"), safe="~")
            yield from _within(inner, at if key == "_schema" else f"{at}/{step}")
    elif isinstance(messages, list):
        for detail in messages:
            yield {"pointer": at, "detail": say(detail if isinstance(detail, str) else str(detail))}
