"""Who is told of an alert: one email and one job for each, in the transaction that has something to tell."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select

from server.extensions import db
from server.models import (
    Alert,
    AlertEmail,
    AlertEvent,
    AlertState,
    CalledBecause,
    EmailState,
    EventKind,
    Member,
    Patient,
)
from server.queue import URGENT, enqueue
from server.services import alarms, recipients, webhook_calls
from server.services.routes import first_told, next_step_at, route, routing_of
from server.trends import Severity

TOLD = (EventKind.RAISED, EventKind.SEVERITY_RAISED, EventKind.REPEATED)
# States of a mail that has reached its recipient, or is going to.
REACHES = (EmailState.QUEUED, EmailState.SENT, EmailState.IN_DIGEST)


def notify(patient: Patient, event: AlertEvent, now: datetime) -> None:
    """Tells who is first on the way of this alert, and whomever outside a consent in force names.

    Whoever acknowledged the alert before is first. Unless it is acknowledged in time, the next person is told
    (server.services.escalation).
    """
    alert = event.alert
    path = _owner_first(alert, route(patient, event.severity, now))
    if path:
        tell(event, first_told(path, event.severity, now), now)
    else:
        tell_nobody(event, now)
    if alert.state is AlertState.OPEN and patient.clinic.live:
        alert.escalate_at, alert.escalate_queued_at = next_step_at(event.severity, patient.clinic, now), None
    for consent in recipients.outside(patient, event.severity, now):
        _email(event, now, consent_id=consent.id)


def tell_newcomers(patient: Patient, now: datetime) -> None:
    """After a handover, or a pause in which no mail might go: of each alert that is not closed, somebody who is on its
    way today has heard, or hears now.
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
        path = route(patient, event.alert.severity, now)
        if not {member.id for member in path} & told_of(event.alert_id):
            tell(event, first_told(path, event.alert.severity, now), now)
            if event.alert.state is AlertState.OPEN and patient.clinic.live:
                event.alert.escalate_at = next_step_at(event.alert.severity, patient.clinic, now)


def tell(event: AlertEvent, members: Iterable[Member], now: datetime) -> None:
    """One email each. A routine alert waits for the recipient's next digest."""
    for member in members:
        before = db.session.scalar(
            select(AlertEmail).where(AlertEmail.event_id == event.id, AlertEmail.member_id == member.id)
        )
        if before is None:
            stands_in = member.id not in event.alert.patient.care_team
            _email(event, now, member_id=member.id, stand_in=stands_in)
        elif before.state is EmailState.WITHHELD:
            before.created_at = now
            _let_go(before, event, now)


def tell_clinic(event: AlertEvent, now: datetime) -> bool:
    """The clinic's own address, if it has one; whether it has."""
    if routing_of(event.alert.clinic_id).escalation_email_sealed is None:
        return False
    _email(event, now, to_clinic=True)
    return True


def tell_nobody(event: AlertEvent, now: datetime) -> None:
    """There is nobody on its way: the clinic's address and its webhook hear, and its admins are alarmed."""
    alarms.alarm(event.alert, now)
    tell_clinic(event, now)
    webhook_calls.call(event, CalledBecause.UNROUTED, now)


def told_of(alert_id: uuid.UUID, states: Sequence[EmailState] = REACHES) -> set[uuid.UUID]:
    """The members who have, or are about to have, a mail about this alert."""
    found = select(AlertEmail.member_id).where(
        AlertEmail.alert_id == alert_id, AlertEmail.member_id.is_not(None), AlertEmail.state.in_(states)
    )
    return {member_id for member_id in db.session.scalars(found) if member_id is not None}


def _owner_first(alert: Alert, path: list[Member]) -> list[Member]:
    """Who acknowledged it last knows it; if that person is on its way at all."""
    last = select(AlertEvent.member_id).where(
        AlertEvent.alert_id == alert.id, AlertEvent.kind == EventKind.ACKNOWLEDGED
    )
    owner = db.session.scalar(last.order_by(AlertEvent.id.desc()).limit(1))
    return sorted(path, key=lambda member: member.id != owner)


def _email(event: AlertEvent, now: datetime, **to: uuid.UUID | bool) -> None:
    """Nothing leaves a clinic that is not live: a replay has nobody to tell."""
    if not event.alert.patient.clinic.live:
        return
    email = AlertEmail(alert_id=event.alert_id, event_id=event.id, created_at=now, **to)
    db.session.add(email)
    _let_go(email, event, now)


def _let_go(email: AlertEmail, event: AlertEvent, now: datetime) -> None:
    """At once, or with the recipient's next digest."""
    waits = event.severity == Severity.ROUTINE and email.member_id is not None
    email.state = EmailState.IN_DIGEST if waits else EmailState.QUEUED
    email.withheld_why, email.due_at, email.queued_at = None, now, now
    db.session.flush()
    if not waits:
        enqueue("deliver", db.session, priority=URGENT, clinic_id=str(email.clinic_id), email_id=str(email.id))
