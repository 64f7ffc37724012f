"""Triage: what was flagged, and what was done about it."""

import uuid
from typing import Any

from server.api.blueprint import Routes, page
from server.api.guard import CARE, caller, requires
from server.extensions import db, now
from server.models import Action, Role
from server.schemas.alerts import AlertDetail, AlertList, AlertOut, AlertQuery, ResolveIn
from server.schemas.routing import FiguresOut, FiguresQuery
from server.services import alerts
from server.services.alert_figures import figures
from server.services.evidence import evidence
from server.services.pages import parse_cursor

routes = Routes("alerts", __name__, url_prefix="/v1/alerts", description="Triage")


@routes.get("")
@requires(Role.CLINICIAN, audit=Action.ALERTS_LISTED)
@routes.arguments(AlertQuery, location="query")
@routes.response(200, AlertList)
def list_alerts(query: dict[str, Any]) -> Any:
    """Alerts of the patients in one's care, newest first."""
    found = alerts.list_alerts(
        caller(),
        state=query.get("state"),
        patient_id=query.get("patient"),
        cursor=parse_cursor(query.get("cursor")),
        limit=query["limit"],
    )
    return page(found, query["limit"], "raised_at")


@routes.get("/figures")
@requires(*CARE)
@routes.arguments(FiguresQuery, location="query")
@routes.response(200, FiguresOut)
def show_figures(query: dict[str, Any]) -> Any:
    """How alerts fare, by month, rule and severity: of one's own patients (a clinician) or of the clinic (an admin)."""
    return figures(caller(), query["months"], now())


@routes.get("/<uuid:alert_id>")
@requires(Role.CLINICIAN, audit=Action.ALERT_READ)
@routes.response(200, AlertDetail)
@routes.alt_response(404, "not-found")
def show_alert(alert_id: uuid.UUID) -> Any:
    """One alert with the readings, thresholds and history that it rests on."""
    return evidence(alerts.get_alert(caller(), alert_id))


@routes.post("/<uuid:alert_id>/acknowledge")
@requires(Role.CLINICIAN, audit=Action.ALERT_ACKNOWLEDGED)
@routes.response(200, AlertOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def acknowledge(alert_id: uuid.UUID) -> Any:
    """Say that one has seen it and takes it on; again changes nothing."""
    alert = alerts.acknowledge(caller(), alert_id, now())
    db.session.commit()
    return alert


@routes.post("/<uuid:alert_id>/resolve")
@requires(Role.CLINICIAN, audit=Action.ALERT_RESOLVED)
@routes.arguments(ResolveIn)
@routes.response(200, AlertOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def resolve(said: dict[str, Any], alert_id: uuid.UUID) -> Any:
    """Close it with its outcome."""
    alert = alerts.resolve(caller(), alert_id, said["outcome"], said["note"], now())
    db.session.commit()
    return alert
