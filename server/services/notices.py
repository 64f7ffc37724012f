"""Who is told of an alert: one email and one job for each, in the transaction that has something to tell."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import func, select

from server.extensions import db
from server.models import Alert, AlertEmail, AlertEvent, AlertState, EmailState, EventKind, Member, Patient
from server.queue import URGENT, enqueue
from server.services import recipients
from server.services.care_teams import care_team

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TOLD = (EventKind.RAISED, EventKind.SEVERITY_RAISED, EventKind.REPEATED)


def notify(patient: Patient, event: AlertEvent, now: datetime) -> None:
    """Tells the care team of this event, and whomever outside a consent in force names."""
    team = care_team(patient.id)
    if not team:
        log.error("an alert has nobody to go to", alert_id=event.alert_id)
    _email_members(patient, event, team, now)
    for consent in recipients.outside(patient, event.severity, now):
        _email(patient, event, now, consent_id=consent.id)


def tell_newcomers(patient: Patient, now: datetime) -> None:
    """Whoever of the care team has not heard of the alerts that are not closed does: after a handover, or a pause
    in which no mail might go.
    """
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
        heard = set(
            db.session.scalars(
                select(AlertEmail.member_id).where(
                    AlertEmail.alert_id == event.alert_id, AlertEmail.state != EmailState.WITHHELD
                )
            )
        )
        _email_members(patient, event, [member for member in care_team(patient.id) if member.id not in heard], now)


def _email_members(patient: Patient, event: AlertEvent, members: Sequence[Member], now: datetime) -> None:
    withheld = {
        email.member_id: email
        for email in db.session.scalars(
            select(AlertEmail).where(AlertEmail.event_id == event.id, AlertEmail.state == EmailState.WITHHELD)
        )
    }
    for member in members:
        if member.id in withheld:
            _email_again(withheld[member.id], now)
        else:
            _email(patient, event, now, member_id=member.id)


def _email(patient: Patient, event: AlertEvent, now: datetime, **to: uuid.UUID) -> None:
    """Nothing leaves a clinic that is not live: a replay has nobody to tell."""
    if not patient.clinic.live:
        return
    email = AlertEmail(alert_id=event.alert_id, event_id=event.id, due_at=now, queued_at=now, created_at=now, **to)
    db.session.add(email)
    _enqueue(email)


def _email_again(email: AlertEmail, now: datetime) -> None:
    """It was withheld and may go now."""
    email.state, email.withheld_why = EmailState.QUEUED, None
    email.due_at = email.queued_at = email.created_at = now
    _enqueue(email)


def _enqueue(email: AlertEmail) -> None:
    db.session.flush()
    enqueue("deliver", db.session, priority=URGENT, clinic_id=str(email.clinic_id), email_id=str(email.id))
