"""What an admin must mend so that alerts reach people: who cannot be told of what, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from server.extensions import db
from server.models import Alert, AlertEmail, AlertState, Clinic, EmailState, Member, WebhookCall
from server.services import audit
from server.services.alarms import FAILED, unacknowledged, unheard
from server.services.identities import Identity


def worklist(caller: Identity, now: datetime) -> dict[str, Any]:
    """Of the clinic: open alerts that are with nobody, their mails and calls that failed, bad addresses."""
    clinic = db.session.get_one(Clinic, caller.clinic_id)
    alerts, waiting = unheard(clinic), unacknowledged(clinic)
    emails = _failed(AlertEmail, AlertEmail.state.in_(FAILED))
    calls = _failed(WebhookCall, WebhookCall.state == EmailState.UNDELIVERABLE)
    audit.concerns(*(alert.patient_id for alert in (*alerts, *waiting, *(row.alert for row in (*emails, *calls)))))
    return {
        "as_of": now,
        "alerts_without_recipient": alerts,
        "unacknowledged_alerts": waiting,
        "undeliverable_emails": emails,
        "undeliverable_calls": calls,
        "bounced_members": _bounced(clinic),
    }


def _failed(model: Any, failed: ColumnElement[bool]) -> Sequence[Any]:
    """Once somebody has acknowledged the alert, nothing is left to mend about it."""
    found = select(model).join(Alert, Alert.id == model.alert_id).where(Alert.state == AlertState.OPEN, failed)
    return db.session.scalars(found.order_by(model.created_at, model.id)).all()


def _bounced(clinic: Clinic) -> Sequence[Member]:
    found = select(Member).where(Member.clinic_id == clinic.id, Member.active, Member.bounced_at.is_not(None))
    return db.session.scalars(found.order_by(Member.bounced_at, Member.id)).all()
