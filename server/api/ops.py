"""For whoever runs it: is this process alive, can it serve, is anything late."""

from typing import Any

from flask import Blueprint, Response, jsonify, render_template_string
from marshmallow import fields
from sqlalchemy import text
from werkzeug.exceptions import NotFound

from server.api.blueprint import Routes
from server.api.description import description
from server.api.guard import public
from server.api.problems import KINDS
from server.extensions import db, now
from server.schemas.fields import Body
from server.services import watch

routes = Routes("ops", __name__, description="Running it")
pages = Blueprint("problems", __name__)


class Health(Body):
    status = fields.String(required=True)


class Readiness(Health):
    assessment_late_seconds = fields.Integer(required=True)
    assessments_failing = fields.Integer(required=True)
    emails_waiting = fields.Integer(required=True)
    email_late_seconds = fields.Integer(required=True)
    emails_undeliverable = fields.Integer(required=True)
    alerts_without_recipient = fields.Integer(required=True)


@routes.get("/healthz")
@public
@routes.response(200, Health)
def healthz() -> Any:
    """This process runs."""
    return {"status": "ok"}


@routes.get("/readyz")
@public
@routes.response(200, Readiness)
@routes.alt_response(503, "unavailable")
def readyz() -> Any:
    """This process can serve (else 503); what is late or failing is in the body."""
    db.session.execute(text("SELECT 1"))
    return {"status": "ok", **watch.health(now())}


@pages.get("/problems/<slug>")
@public
def show_problem(slug: str) -> Response | str:
    """What a problem document's `type` means."""
    kind = KINDS.get(slug)
    if kind is None:
        raise NotFound
    return render_template_string(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{{ kind.title }}</title>"
        '<body style="font-family:sans-serif;max-width:36em;margin:2em auto;padding:0 1em">'
        "<h1>{{ kind.title }}</h1><p>{{ kind.meaning }}</p><p>HTTP status {{ kind.status }}.</p>",
        kind=kind,
    )


@pages.get("/openapi.json")
@public
def openapi_json() -> Response:
    """The API's description, as in openapi.yaml."""
    return jsonify(description())
