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
from server.queue import URGENT, enqueue_all
from server.services import alarms, recipients, webhook_calls
from server.services.care_teams import care_team, care_teams
from server.services.listed import any_of
from server.services.routes import duty_in, next_step_at, routing_of
from server.trends import Severity

TOLD = (EventKind.RAISED, EventKind.SEVERITY_RAISED, EventKind.REPEATED, EventKind.RESTORED)
# States of a mail that has reached its recipient, or is going to.
REACHES = (EmailState.QUEUED, EmailState.SENT, EmailState.IN_DIGEST)


def notify(news: Sequence[tuple[Patient, AlertEvent]], now: datetime) -> None:
    """Of each of these new events, which are flushed and of one clinic: tells who is first on the alert's way, and
    whomever outside a consent in force names.

    Whoever acknowledged the alert before is first. Unless it is acknowledged in time, the next person is told
    (server.services.escalation).
    """
    tell_within(news, now)
    if not news:
        return
    consents = recipients.outsiders([patient.id for patient, _ in news])
    emails: list[AlertEmail] = []
    for patient, event in news:
        for consent in recipients.covering(consents[patient.id], patient, event.severity, now):
            emails += _written(event, now, consent_id=consent.id)
    _send(emails)


def tell_within(news: Sequence[tuple[Patient, AlertEvent]], now: datetime) -> None:
    """The same, for nobody outside."""
    if not news:
        return
    clinic, ids = news[0][0].clinic, [patient.id for patient, _ in news]
    duty, teams = duty_in(clinic, now), care_teams(ids)
    owners = _owners([event.alert_id for _, event in news])
    emails: list[AlertEmail] = []
    for patient, event in news:
        path = _owner_first(owners.get(event.alert_id), duty.route(teams[patient.id], event.severity))
        if not path:
            tell_nobody(event, now)
        for member in duty.first_told(path, event.severity):
            stands_in = member not in teams[patient.id]
            emails += _written(event, now, member_id=member.id, stand_in=stands_in)
        if event.alert.state is AlertState.OPEN and clinic.live:
            event.alert.escalate_at = next_step_at(event.severity, clinic, now)
            event.alert.escalate_queued_at = None
    _send(emails)


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
        duty = duty_in(patient.clinic, now)
        path = duty.route(care_team(patient.id), event.alert.severity)
        if not {member.id for member in path} & told_of(event.alert_id):
            tell(event, duty.first_told(path, event.alert.severity), now)
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
            _send(_written(event, now, member_id=member.id, stand_in=stands_in))
        elif before.state is EmailState.WITHHELD:
            before.created_at = now
            _let_go(before, event, now)
            _send([before])


def tell_clinic(event: AlertEvent, now: datetime) -> bool:
    """The clinic's own address, if it has one; whether it has."""
    if routing_of(event.alert.clinic_id).escalation_email_sealed is None:
        return False
    _send(_written(event, now, to_clinic=True))
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


def _owners(alert_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    """Who acknowledged each of these alerts last."""
    found = db.session.execute(
        select(AlertEvent.alert_id, AlertEvent.member_id)
        .where(AlertEvent.alert_id == any_of(alert_ids), AlertEvent.kind == EventKind.ACKNOWLEDGED)
        .order_by(AlertEvent.id)
    )
    return {event.alert_id: event.member_id for event in found}


def _owner_first(owner: uuid.UUID | None, path: list[Member]) -> list[Member]:
    """Who acknowledged it last knows it; if that person is on its way at all."""
    return sorted(path, key=lambda member: member.id != owner)


def _written(event: AlertEvent, now: datetime, **to: uuid.UUID | bool) -> list[AlertEmail]:
    """Nothing leaves a clinic that is not live: a replay has nobody to tell."""
    if not event.alert.patient.clinic.live:
        return []
    email = AlertEmail(alert_id=event.alert_id, event_id=event.id, created_at=now, **to)
    _let_go(email, event, now)
    return [email]


def _let_go(email: AlertEmail, event: AlertEvent, now: datetime) -> None:
    """At once, or with the recipient's next digest."""
    waits = event.severity == Severity.ROUTINE and email.member_id is not None
    email.state = EmailState.IN_DIGEST if waits else EmailState.QUEUED
    email.withheld_why, email.due_at, email.queued_at = None, now, now


def _send(emails: Sequence[AlertEmail]) -> None:
    """Stored, each with its job unless it waits for a digest."""
    db.session.add_all(emails)
    db.session.flush()
    at_once = [email for email in emails if email.state is EmailState.QUEUED]
    jobs = [{"clinic_id": str(email.clinic_id), "email_id": str(email.id)} for email in at_once]
    enqueue_all("deliver", db.session, jobs, priority=URGENT)
