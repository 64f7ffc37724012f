"""Who is told of an alert: one email and one job for each, in the transaction that has something to tell."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import func, select

from server.extensions import db
from server.models import Alert, AlertEmail, AlertEvent, AlertState, EventKind, Member, Patient
from server.queue import URGENT, enqueue
from server.services.care_teams import care_team

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TOLD = (EventKind.RAISED, EventKind.SEVERITY_RAISED, EventKind.REPEATED)


def notify(patient: Patient, event: AlertEvent, now: datetime) -> None:
    """Tells the care team of this event."""
    team = care_team(patient.id)
    if not team:
        log.error("an alert has nobody to go to", alert_id=event.alert_id)
    _email(patient, event, team, now)


def tell_newcomers(patient: Patient, now: datetime) -> None:
    """After a handover: whoever is new in the care team hears of the alerts that are not closed."""
    latest = (
        select(func.max(AlertEvent.id))
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(
            Alert.patient_id == patient.id,
            Alert.state != AlertState.RESOLVED,
            AlertEvent.kind.in_(TOLD),
        )
        .group_by(Alert.id)
    )
    for event in db.session.scalars(select(AlertEvent).where(AlertEvent.id.in_(latest)).order_by(AlertEvent.id)):
        heard = set(db.session.scalars(select(AlertEmail.member_id).where(AlertEmail.alert_id == event.alert_id)))
        _email(patient, event, [member for member in care_team(patient.id) if member.id not in heard], now)


def _email(patient: Patient, event: AlertEvent, members: Sequence[Member], now: datetime) -> None:
    """Nothing leaves a clinic that is not live: a replay has nobody to tell."""
    if not patient.clinic.live:
        return
    for member in members:
        email = AlertEmail(
            alert_id=event.alert_id,
            event_id=event.id,
            member_id=member.id,
            due_at=now,
            queued_at=now,
            created_at=now,
        )
        db.session.add(email)
        db.session.flush()
        enqueue("deliver", db.session, priority=URGENT, clinic_id=str(email.clinic_id), email_id=str(email.id))
