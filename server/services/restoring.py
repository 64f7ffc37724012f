"""A backup was restored: nothing that may have gone since it was taken goes again, and no urgent alert is lost by that.

What was on the queue then may be done by now, and nobody here knows. So the queue is emptied: whatever is due stands in
the tables, and the next ticks find it. What waited to leave is held and listed. But whether a person answered an urgent
alert is not known either, and of the two mistakes, to ask a clinician twice is the smaller: each that is open is told
anew, as a mail of its own and to the care team alone, for a consent may have been withdrawn since.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from server.errors import Conflict
from server.extensions import db
from server.models import (
    Action,
    Alert,
    AlertEmail,
    AlertEvent,
    AlertState,
    Clinic,
    EmailState,
    EventKind,
    JobRun,
    MemberMail,
    PasswordReset,
    Patient,
    Routing,
    WebhookCall,
    Withheld,
)
from server.models.outgoing import Outgoing
from server.queue import empty
from server.services import audit, reminders
from server.services.alerts import record
from server.services.notices import tell_within
from server.services.routes import next_step_at, plan_digest
from server.trends import Severity

# All that leaves the house, and what becomes of it when it waited.
HELD: Mapping[type[Outgoing], Mapping[str, Any]] = {
    AlertEmail: {"state": EmailState.WITHHELD, "withheld_why": Withheld.RESTORED},
    MemberMail: {"state": EmailState.WITHHELD},
    WebhookCall: {"state": EmailState.WITHHELD},
}


@dataclass(frozen=True, slots=True)
class Restored:
    """Of one clinic; ids alone."""

    held: Sequence[tuple[str, uuid.UUID, uuid.UUID | None]]
    """Which table, which row, and about which alert."""
    told: Sequence[uuid.UUID]
    """Alerts of which a mail goes to somebody."""
    with_nobody: Sequence[uuid.UUID]
    """Alerts that would be told anew, if there were anybody on their way."""


def check_restored(taken_at: datetime) -> None:
    """Raises Conflict for a database that has lived on since the backup: then its queue is no restored one."""
    ticked = db.session.scalar(select(JobRun.started_at).order_by(JobRun.started_at.desc()).limit(1))
    if ticked is not None and ticked > taken_at:
        raise Conflict(
            f"A scheduler ticked on this database at {ticked:%Y-%m-%d %H:%M:%S} UTC, after the backup was taken."
            " Stop every process; if none ran on it, this is not that backup."
        )


def empty_queue() -> None:
    empty(db.session)


def settle(clinic: Clinic, now: datetime) -> Restored:
    """One clinic, in which the session works. Again, it finds nothing left to do."""
    held = [row for model, values in HELD.items() for row in _hold(model, values)]
    # A link that was mailed may have been used.
    db.session.execute(delete(PasswordReset))
    _put_off(clinic, now)
    # A replay has nobody to tell.
    alerts = _unanswered() if clinic.live else []
    anew = [event for event in (_tell_anew(alert, now) for alert in alerts) if event]
    audit.record(Action.RESTORED, None, *(event.alert.patient_id for event in anew))
    db.session.flush()
    told = set(db.session.scalars(select(AlertEmail.alert_id).where(AlertEmail.event_id.in_(one.id for one in anew))))
    ids = [event.alert_id for event in anew]
    return Restored(held, [one for one in ids if one in told], [one for one in ids if one not in told])


def _hold(model: type[Outgoing], values: Mapping[str, Any]) -> Sequence[tuple[str, uuid.UUID, uuid.UUID | None]]:
    waiting = update(model).where(model.state == EmailState.QUEUED)
    if model is AlertEmail:
        # What an earlier run of this told anew is no copy of anything that went.
        anew = select(AlertEvent.id).where(AlertEvent.kind == EventKind.RESTORED)
        waiting = waiting.where(AlertEmail.event_id.not_in(anew))
    found = db.session.execute(
        waiting.values(claim=None, claimed_until=None, **values)
        .returning(model.id, model.alert_id)  # type: ignore[attr-defined]  # each has one
        .execution_options(synchronize_session=False)
    )
    return [(model.__tablename__, row_id, alert_id) for row_id, alert_id in found]  # type: ignore[attr-defined]


def _put_off(clinic: Clinic, now: datetime) -> None:
    """What the clock alone makes due may have been done: reminders and digests go on with the next one.

    Nobody is blamed for the time in which nobody was here: each alert has its whole deadline again.
    """
    for patient in db.session.scalars(select(Patient).where(Patient.remind_due_at <= now)):
        reminders.plan(patient, now)
    routing = db.session.get(Routing, clinic.id)
    if routing is not None and routing.digest_due_at <= now:
        plan_digest(routing, clinic.zone, now)
    for alert in db.session.scalars(select(Alert).where(Alert.escalate_at.is_not(None))):
        alert.escalate_at, alert.escalate_queued_at = next_step_at(alert.severity, clinic, now), None


def _unanswered() -> Sequence[Alert]:
    found = select(Alert).where(Alert.state == AlertState.OPEN, Alert.severity == Severity.URGENT)
    return db.session.scalars(found.order_by(Alert.raised_at, Alert.id).with_for_update(of=Alert)).all()


def _tell_anew(alert: Alert, now: datetime) -> AlertEvent | None:
    """None when it was told anew already."""
    if alert.events[-1].kind is EventKind.RESTORED:
        return None
    event = record(alert, EventKind.RESTORED, now)
    db.session.flush()
    tell_within([(alert.patient, event)], now)
    return event
