"""The digest of the morning: one mail for each clinician with whom alerts wait, however long we were away."""

import uuid
from collections import Counter
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, or_, select, update

from server.clock import local_day
from server.extensions import db
from server.models import (
    Alert,
    AlertEmail,
    AlertEvent,
    AlertState,
    Clinic,
    EmailState,
    MemberMail,
    MemberMailKind,
    Patient,
    Routing,
    Withheld,
)
from server.scope import entered
from server.services.leases import is_free
from server.services.lost import is_lost
from server.services.member_mails import send
from server.services.notices import TOLD, told_of
from server.services.routes import plan_digest, route
from server.trends import Severity


def claim_due(now: datetime) -> bool:
    """Marks the clinic's digest as queued, for the caller to enqueue; False when it is not due, or is queued."""
    due = update(Routing).where(
        Routing.clinic_id == entered(),
        Routing.digest_due_at <= now,
        or_(
            Routing.digest_queued_at.is_(None),
            is_lost(Routing.digest_queued_at, now, "digest", "clinic_id", Routing.clinic_id),
        ),
    )
    claimed = due.values(digest_queued_at=now).returning(Routing.clinic_id)
    return db.session.scalar(claimed.execution_options(synchronize_session=False)) is not None


def make(now: datetime) -> int:
    """Writes the clinic's digests, if they are due, and plans the next; returns how many there are."""
    routing = db.session.get_one(Routing, entered(), with_for_update=True, populate_existing=True)
    if routing.digest_due_at > now:
        return 0
    clinic = db.session.get_one(Clinic, routing.clinic_id)
    plan_digest(routing, clinic.zone, now)
    day = local_day(now, clinic.zone, clinic.day_starts_at)
    _drop_unsent(day)
    _settle()
    waiting: dict[uuid.UUID, Counter[str]] = {}
    for alert in db.session.scalars(_open()).all():
        for member_id in _hearers(alert, now):
            waiting.setdefault(member_id, Counter())[alert.severity] += 1
    have = select(MemberMail.member_id).where(MemberMail.kind == MemberMailKind.DIGEST, MemberMail.day == day)
    to = sorted(waiting.keys() - set(db.session.scalars(have)))
    for member_id in to:
        _write(member_id, waiting[member_id], day, now)
    return len(to)


def _open() -> Select[Alert]:
    """What nobody has acknowledged; of a patient who withdrew, what is urgent alone."""
    return (
        select(Alert)
        .join(Patient, Patient.id == Alert.patient_id)
        .where(
            Alert.state == AlertState.OPEN,
            or_(Patient.withdrawn_at.is_(None), Alert.severity == Severity.URGENT),
        )
        .order_by(Alert.raised_at, Alert.id)
    )


def _hearers(alert: Alert, now: datetime) -> list[uuid.UUID]:
    """Those who were told of it and are on its way today; where there is none, whoever is first on it."""
    path = [member.id for member in route(alert.patient, alert.severity, now)]
    told = told_of(alert.id)
    hearers = [member_id for member_id in path if member_id in told]
    if not hearers and path:
        _wait_for_digest(alert, path[0], now)
        return path[:1]
    return hearers


def _wait_for_digest(alert: Alert, member_id: uuid.UUID, now: datetime) -> None:
    """The digest tells this member of the alert, and the record of its mails says so."""
    told = select(AlertEvent.id).where(AlertEvent.alert_id == alert.id, AlertEvent.kind.in_(TOLD))
    event_id = db.session.scalars(told.order_by(AlertEvent.id.desc()).limit(1)).one()
    email = db.session.scalar(
        select(AlertEmail).where(AlertEmail.event_id == event_id, AlertEmail.member_id == member_id)
    )
    if email is None:
        stands_in = member_id not in alert.patient.care_team
        email = AlertEmail(
            alert_id=alert.id, event_id=event_id, member_id=member_id, stand_in=stands_in, due_at=now, created_at=now
        )
        db.session.add(email)
    email.state, email.withheld_why, email.sent_at, email.queued_at = EmailState.IN_DIGEST, None, None, now
    db.session.flush()


def _write(member_id: uuid.UUID, waiting: Counter[str], day: date, now: datetime) -> None:
    counts = {severity.value: waiting[severity] for severity in Severity}
    digest = MemberMail(kind=MemberMailKind.DIGEST, member_id=member_id, day=day, **counts)
    send(digest, now)
    _change_emails(AlertEmail.member_id == member_id, digest_id=digest.id)


def _drop_unsent(day: date) -> None:
    """What still waits from an earlier day, as when the mail server is away, gives way to this one; so does what a
    sender took who has not been heard of since.
    """
    unsent = update(MemberMail).where(
        MemberMail.kind == MemberMailKind.DIGEST,
        MemberMail.day < day,
        MemberMail.state == EmailState.QUEUED,
        is_free(MemberMail),
    )
    dropped = unsent.values(state=EmailState.WITHHELD, claim=None, claimed_until=None)
    db.session.execute(dropped.execution_options(synchronize_session=False))


def _settle() -> None:
    """Somebody had the alert before the digest came; or its patient withdrew, and it is not urgent."""
    open_ones = select(Alert.id).where(Alert.state == AlertState.OPEN)
    _withhold(AlertEmail.alert_id.not_in(open_ones), Withheld.ACKNOWLEDGED)
    _withhold(AlertEmail.alert_id.not_in(_open().with_only_columns(Alert.id)), Withheld.PARTICIPATION_WITHDRAWN)


def _withhold(which: ColumnElement[bool], why: Withheld) -> None:
    _change_emails(which, state=EmailState.WITHHELD, withheld_why=why)


def _change_emails(which: ColumnElement[bool], **values: object) -> None:
    """Of those that wait for a digest."""
    waiting = update(AlertEmail).where(AlertEmail.state == EmailState.IN_DIGEST, which)
    db.session.execute(waiting.values(**values).execution_options(synchronize_session=False))
