"""What nobody acknowledged in time goes to the next person, then to the clinic's own address, and never just stops."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from server.extensions import db
from server.models import (
    Alert,
    AlertEmail,
    AlertEvent,
    AlertState,
    CalledBecause,
    Clinic,
    EmailState,
    EventKind,
    Member,
)
from server.services import alarms, webhook_calls
from server.services.alerts import record
from server.services.lost import is_lost
from server.services.notices import REACHES, TOLD, tell, tell_clinic, tell_nobody, told_of
from server.services.recipients import is_open_safety
from server.services.routes import next_step_at, route

AFTER_FAILURE = timedelta(minutes=5)
# An urgent alert that everybody was told of and nobody acknowledged is told to all of them again.
AGAIN = timedelta(hours=1)


def claim_due(now: datetime) -> Sequence[uuid.UUID]:
    """Marks the clinic's alerts whose time has come as queued and returns them, for the caller to enqueue."""
    due = (
        select(Alert.id)
        .join(Clinic, Clinic.id == Alert.clinic_id)
        .where(
            Alert.escalate_at <= now,
            Clinic.live,
            or_(
                Alert.escalate_queued_at.is_(None),
                is_lost(Alert.escalate_queued_at, now, "escalate", "alert_ids", Alert.id),
            ),
        )
        .with_for_update(of=Alert, skip_locked=True)
    )
    return db.session.scalars(
        update(Alert)
        .where(Alert.id.in_(due))
        .values(escalate_queued_at=now)
        .returning(Alert.id)
        .execution_options(synchronize_session=False)
    ).all()


def escalate(alert_id: uuid.UUID, now: datetime) -> None:
    """One step, if the alert still waits and its time has come; however late we are, the next is a deadline away."""
    alert = db.session.get(Alert, alert_id, with_for_update={"of": Alert}, populate_existing=True)
    if alert is None or alert.state is not AlertState.OPEN or alert.escalate_at is None or alert.escalate_at > now:
        return
    alert.escalate_queued_at = None
    if alert.patient.withdrawn_at is not None and not is_open_safety(alert):
        alert.escalate_at = None
        return
    _step(alert, now)
    db.session.flush()


def hurry(alert: Alert, now: datetime) -> None:
    """Whoever was told will not read it: the next person hears at the next tick. The caller holds the row."""
    if alert.state is AlertState.OPEN:
        alert.escalate_at, alert.escalate_queued_at = now, None


def hurry_after(member_id: uuid.UUID, now: datetime) -> None:
    """The same for each alert whose only hearer, as it stands, was this member, who can be reached no more."""
    theirs = select(AlertEmail.alert_id).where(AlertEmail.member_id == member_id, AlertEmail.state.in_(REACHES))
    held = select(Alert).where(Alert.id.in_(theirs), Alert.state == AlertState.OPEN).order_by(Alert.id)
    for alert in db.session.scalars(held.with_for_update(of=Alert).execution_options(populate_existing=True)):
        hurry(alert, now)
    db.session.flush()


def put_off(alert_id: uuid.UUID, now: datetime) -> None:
    """After a failure of ours: the others do not wait for this one, and it is tried again soon."""
    later = update(Alert).where(Alert.id == alert_id).values(escalate_queued_at=now + AFTER_FAILURE)
    db.session.execute(later.execution_options(synchronize_session=False))


def next_to_hear(alert: Alert, now: datetime) -> Member | None:
    """Whom the alert goes to unless somebody acknowledges it in time; None when each on its way was told."""
    return _following(alert, route(alert.patient, alert.severity, now))


def _step(alert: Alert, now: datetime) -> None:
    path = route(alert.patient, alert.severity, now)
    following = _following(alert, path)
    if following:
        # Before the first flush: the alert's row is written once (server.services.alerts says why).
        alert.escalate_at = next_step_at(alert.severity, alert.patient.clinic, now)
        tell(_record(alert, now), [following], now)
        return
    # An urgent one is told again and again; the others wait in each morning's digest.
    urgent = is_open_safety(alert)
    alert.escalate_at = now + AGAIN if urgent else None
    if urgent and told_of(alert.id, (EmailState.QUEUED,)):
        # Mail is late. What waits to be sent tells it; as much again each hour would tell no more.
        return
    event = _record(alert, now)
    if not path:
        tell_nobody(event, now)
        return
    if not tell_clinic(event, now):
        alarms.alarm(alert, now)
    webhook_calls.call(event, CalledBecause.UNACKNOWLEDGED, now)
    if urgent:
        tell(event, path, now)


def _following(alert: Alert, path: Sequence[Member]) -> Member | None:
    told = _told(alert)
    return next((member for member in path if member.id not in told), None)


def _record(alert: Alert, now: datetime) -> AlertEvent:
    event = record(alert, EventKind.ESCALATED, now)
    db.session.flush()
    return event


def _told(alert: Alert) -> set[uuid.UUID]:
    """To whom a mail was written, whatever became of it, since the alert last had news: its way began there."""
    about = select(AlertEmail.event_id).join(AlertEvent, AlertEvent.id == AlertEmail.event_id)
    about = about.where(AlertEmail.alert_id == alert.id, AlertEvent.kind.in_(TOLD))
    newest = about.order_by(AlertEmail.event_id.desc()).limit(1).scalar_subquery()
    found = select(AlertEmail.member_id).where(AlertEmail.alert_id == alert.id, AlertEmail.event_id >= newest)
    return {member_id for member_id in db.session.scalars(found) if member_id is not None}
