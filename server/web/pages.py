"""The alert that the mail links to. A GET changes nothing: mail scanners follow links."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError

from server.charts import draw_for_page
from server.errors import Conflict, NotFound, Refused
from server.extensions import db, now
from server.logs import described
from server.models import Action, Alert, AlertEmail, AlertState, Consent, Outcome, Patient
from server.sealing import CannotOpen
from server.services import alerts
from server.services.escalation import next_to_hear
from server.services.evidence import emails_about, readings_around
from server.services.pictures import chart_of
from server.services.series import series_around
from server.web.deliveries import by_event
from server.web.guard import clinician_page, public

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

routes = Blueprint("pages", __name__)

RULE_NAMES = {
    "craving_rising": "Craving is rising",
    "mood_falling": "Mood is falling",
    "craving_severe": "Severe craving",
    "mood_very_low": "Very low mood",
    "safety_concern": "Safety concern",
    "use_reported": "Use reported",
    "gone_silent": "No check-ins",
    "session_missed": "Session missed",
    "off_track": "No reliable improvement",
}
# What is open comes first, so that only closed ones can fall off the end of one page.
SHOWN = 500
FIGURE_NAMES = {
    "observed": "Observed",
    "expected": "Expected",
    "expected_sd": "Usual day-to-day SD",
    "limit": "The clinic's limit",
    "check_ins": "Check-ins it rests on",
    "days": "Days they span",
    "missed": "Days missed",
    "free_days": "Days reported without use",
    "silent_days": "Days without a check-in",
    "limit_days": "Days that the habit makes unlikely",
    "answered": "Days with a check-in before",
    "awaited": "Of so many days",
    "session": "Session",
    "sessions": "Of so many sessions",
    "in_a_row": "Missed in a row",
    "first_week": "In the first week",
    "first_check_ins": "Check-ins of the first week",
    "change": "Change",
    "low": "Change at least (90%)",
    "high": "Change at most (90%)",
    "h": "Detection limit (h)",
    "limits_version": "Version of the limits",
}


@routes.get("/")
@public
def home() -> Any:
    return redirect(url_for("pages.list_alerts"))


@routes.get("/alerts")
@clinician_page(Action.ALERTS_LISTED)
def list_alerts() -> str:
    found = alerts.pressing_alerts(g.caller, limit=SHOWN)
    return render_template("alerts.html", alerts=found, states=list(AlertState), names=RULE_NAMES, moment=now())


@routes.get("/alerts/<uuid:alert_id>")
@clinician_page(Action.ALERT_READ)
def show_alert(alert_id: uuid.UUID) -> str:
    return render_template("alert.html", **_shown(alerts.get_alert(g.caller, alert_id)))


@routes.get("/alerts/<uuid:alert_id>/chart.svg")
@clinician_page(Action.CHART_READ)
def show_chart(alert_id: uuid.UUID) -> Response:
    """Apart from the page, so that the alert is there at once, and whatever becomes of its picture."""
    alert = alerts.get_alert(g.caller, alert_id)
    drawn = draw_for_page(chart_of(alert.patient, series_around(alert, now())))
    return Response(drawn, mimetype="image/svg+xml")


@routes.post("/alerts/<uuid:alert_id>/acknowledge")
@clinician_page(Action.ALERT_ACKNOWLEDGED)
def acknowledge(alert_id: uuid.UUID) -> Any:
    alerts.acknowledge(g.caller, alert_id, now())
    db.session.commit()
    return redirect(url_for("pages.show_alert", alert_id=alert_id), HTTPStatus.SEE_OTHER)


@routes.post("/alerts/<uuid:alert_id>/resolve")
@clinician_page(Action.ALERT_RESOLVED)
def resolve(alert_id: uuid.UUID) -> Any:
    alerts.get_alert(g.caller, alert_id)
    try:
        outcome = Outcome(request.form.get("outcome", ""))
    except ValueError:
        raise Refused("outcome", "Choose an outcome.") from None
    alerts.resolve(g.caller, alert_id, outcome, _note() or None, now())
    db.session.commit()
    return redirect(url_for("pages.show_alert", alert_id=alert_id), HTTPStatus.SEE_OTHER)


@clinician_page(Action.ALERT_READ)
def resolve_again(alert_id: uuid.UUID, wrong: str) -> str:
    """The alert once more, with the reason why it was not resolved and with what was typed."""
    alert = alerts.get_alert(g.caller, alert_id)
    typed = {"chosen": request.form.get("outcome"), "note": _note()}
    return render_template("alert.html", wrong=wrong, **typed, **_shown(alert))


@routes.errorhandler(NotFound)
def not_found(error: NotFound) -> tuple[str, int]:
    return _sorry(error.detail, HTTPStatus.NOT_FOUND)


@routes.errorhandler(Refused)
def refused(error: Refused) -> tuple[Any, int]:
    return _not_taken(error.detail, HTTPStatus.UNPROCESSABLE_ENTITY)


@routes.errorhandler(Conflict)
def conflict(error: Conflict) -> tuple[Any, int]:
    return _not_taken(error.detail, HTTPStatus.CONFLICT)


@routes.app_errorhandler(CSRFError)
def stale_form(_: CSRFError) -> tuple[str, int]:
    return _sorry("This form is too old or did not come from here. Go back and try again.", HTTPStatus.BAD_REQUEST)


@routes.app_template_filter("local_time")
def local_time(at: datetime, zone: str) -> str:
    moved = at.astimezone(ZoneInfo(zone))
    return f"{moved.day} {moved:%B %Y, %H:%M}"


@routes.app_template_filter("age")
def age(at: datetime, moment: datetime) -> str:
    """How long ago, in the largest unit that is still exact enough to act on."""
    minutes = int((moment - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    count, unit = (
        (minutes, "minute")
        if minutes < 120
        else (minutes // 60, "hour")
        if minutes < 48 * 60
        else (minutes // (24 * 60), "day")
    )
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


@routes.app_template_filter("words")
def words(value: str) -> str:
    return value.replace("_", " ")


def _shown(alert: Alert) -> dict[str, Any]:
    moment = now()
    return {
        "alert": alert,
        "reference": _opened(alert.patient, "reference"),
        "outcome_note": _opened(alert, "outcome_note"),
        "name": RULE_NAMES.get(alert.rule, alert.rule),
        "readings": readings_around(alert),
        "figures": _figures(alert),
        "outcomes": list(Outcome),
        "zone": alert.patient.clinic.zone,
        "moment": moment,
        "superseded_because": _last_reason(alert),
        "deliveries": by_event(emails_about(alert), _name_outside),
        "next_to_hear": next_to_hear(alert, moment) if alert.escalate_at else None,
        "wants_note": alert.rule == "safety_concern",
        "is_open": alert.state is AlertState.OPEN,
        "is_resolved": alert.state is AlertState.RESOLVED,
    }


def _note() -> str:
    return request.form.get("note", "").replace("\x00", "").strip()[:2000]


def _not_taken(detail: str, status: HTTPStatus) -> tuple[Any, int]:
    """What was typed is not lost with the reason why it was not taken."""
    db.session.rollback()
    if request.endpoint == "pages.resolve" and request.view_args:
        return resolve_again(**request.view_args, wrong=detail), status
    return _sorry(detail, status)


def _name_outside(email: AlertEmail) -> str:
    """The clinic's own address, or whom the patient lets hear of it."""
    return (_opened(email.consent, "recipient_name") if email.consent else None) or "The clinic's own address"


def _opened(row: Patient | Alert | Consent, name: str) -> str | None:
    """An alert is shown whatever became of the texts beside it: one that cannot be opened says so in its place."""
    try:
        text: str | None = getattr(row, name)
    except CannotOpen as error:
        log.error("a page's text cannot be opened", error=described(error))
        return "[cannot be opened: tell whoever runs this system]"
    return text


def _figures(alert: Alert) -> list[tuple[str, float]]:
    """What the rule worked with, in words, leaving out what this rule has not."""
    known = {**alert.figures, "limits_version": alert.thresholds["version"]}
    if known.get("expected") is not None:
        known["h"] = alert.thresholds["h"]
    if known.get("limit") is not None:
        # One rating against a limit: how many days it spans says nothing.
        known = {name: known[name] for name in ("observed", "limit", "limits_version")}
    return [(label, known[name]) for name, label in FIGURE_NAMES.items() if known.get(name) is not None]


def _last_reason(alert: Alert) -> str | None:
    return next((event.reason for event in reversed(alert.events) if event.reason), None)


def _sorry(detail: str, status: HTTPStatus) -> tuple[str, int]:
    return render_template("sorry.html", detail=detail), status
