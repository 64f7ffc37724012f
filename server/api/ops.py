"""For whoever runs it: is this process alive, can it serve, is anything late."""

from dataclasses import asdict
from typing import Any

import structlog
from flask import Blueprint, Response, jsonify
from marshmallow import fields, validate
from werkzeug.exceptions import ServiceUnavailable

from server.api.blueprint import Routes
from server.api.description import description
from server.api.guard import public
from server.api.metrics import metrics
from server.errors import WrongClock
from server.extensions import db, keyring, now
from server.schemas.fields import Body
from server.services.health import LATE, health, is_bound
from server.services.keys import check_keys
from server.services.machine_clock import require_right_clock

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

routes = Routes("ops", __name__, description="Running it")
pages = Blueprint("problems", __name__)


class Health(Body):
    status = fields.String(required=True)


class Readiness(Health):
    late = fields.List(
        fields.String(validate=validate.OneOf(LATE)),
        required=True,
        metadata={"description": "What is beyond its limit, so that a person must look."},
    )
    assessment_late_seconds = fields.Integer(required=True)
    assessments_failing = fields.Integer(required=True)
    emails_waiting = fields.Integer(required=True)
    email_late_seconds = fields.Integer(required=True)
    escalation_late_seconds = fields.Integer(required=True)
    digest_late_seconds = fields.Integer(required=True)
    member_mail_late_seconds = fields.Integer(required=True)
    call_late_seconds = fields.Integer(required=True)
    emails_undeliverable = fields.Integer(required=True)
    alerts_without_recipient = fields.Integer(required=True)
    job_late_seconds = fields.Integer(required=True)
    workers = fields.Integer(required=True)
    scheduler_silent_seconds = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Since the last tick; null: there was none ever."}
    )


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
    """This process can serve (else 503, or 500 without its keys); what is late or failing is in the body."""
    if not is_bound():
        log.error("DATABASE_URL names a role that row-level security does not bind: not one request is served safely")
        raise ServiceUnavailable
    check_keys(db.session.connection(), keyring())
    try:
        require_right_clock()
    except WrongClock as error:
        log.error("this machine's clock and the database's are far apart: what it answers goes by a wrong time")
        raise ServiceUnavailable from error
    found = health(now())
    return {"status": "ok", "late": found.late(), **asdict(found)}


@pages.get("/openapi.json")
@public
def openapi_json() -> Response:
    """The API's description, as in openapi.yaml."""
    return jsonify(description())


pages.get("/metrics")(metrics)
