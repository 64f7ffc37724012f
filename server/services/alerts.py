"""The life of an alert once it is there: seen, acknowledged, resolved; each step a stored event."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, case, or_, select, tuple_

from server.errors import Conflict, NotFound, Refused
from server.extensions import db
from server.models import Alert, AlertEvent, AlertState, EventKind, Outcome, Role
from server.services import audit, tallies
from server.services.break_glass import broken_by
from server.services.care_teams import cared_for_by, told_to
from server.services.identities import Identity
from server.services.pages import Cursor
from server.trends import Finding, Severity

SAFETY = "safety_concern"
CALLING = (EventKind.RAISED, EventKind.SEVERITY_RAISED)


def record(
    alert: Alert,
    kind: EventKind,
    now: datetime,
    finding: Finding | None = None,
    by: Identity | None = None,
    reason: str | None = None,
) -> AlertEvent:
    """Stores one transition; `reason`: what changed in the record, where that made it."""
    event = AlertEvent(
        alert=alert,
        kind=kind,
        at=now,
        member_id=by.id if by else None,
        severity=finding.severity if finding else alert.severity,
        day=finding.day if finding else None,
        sentence=finding.sentence if finding else None,
        basis=[day.isoformat() for day in finding.basis] if finding else None,
        # A restatement is about what other events have told.
        stands_on=finding.day if finding and reason is None else None,
        reason=reason,
    )
    db.session.add(event)
    return event


def reopen(alert: Alert) -> None:
    """It waits for a person again; who acknowledged it before stays in its events."""
    alert.state = AlertState.OPEN
    alert.acknowledged_at = None
    alert.acknowledged_by = None


def visible_to(caller: Identity) -> Select[Alert]:
    found = select(Alert).where(Alert.clinic_id == caller.clinic_id)
    if caller.role is Role.CLINICIAN:
        found = found.where(
            or_(
                Alert.patient_id.in_(cared_for_by(caller)),
                Alert.patient_id.in_(broken_by(caller)),
                Alert.id.in_(told_to(caller)),
            )
        )
    return found


def get_alert(caller: Identity, alert_id: uuid.UUID, *, for_update: bool = False) -> Alert:
    """Raises NotFound, alike for the missing and the foreign."""
    found = visible_to(caller).where(Alert.id == alert_id)
    if for_update:
        found = found.with_for_update(of=Alert).execution_options(populate_existing=True)
    alert = db.session.scalar(found)
    if alert is None:
        raise NotFound("There is no such alert.")
    audit.concerns(alert.patient_id)
    return alert


def list_alerts(
    caller: Identity,
    *,
    state: AlertState | None = None,
    patient_id: uuid.UUID | None = None,
    cursor: Cursor | None = None,
    limit: int = 50,
) -> Sequence[Alert]:
    """Newest first."""
    found = visible_to(caller).order_by(Alert.raised_at.desc(), Alert.id.desc()).limit(limit)
    if state:
        found = found.where(Alert.state == state)
    if patient_id:
        found = found.where(Alert.patient_id == patient_id)
    if cursor:
        found = found.where(tuple_(Alert.raised_at, Alert.id) < tuple_(cursor.at, cursor.id))
    return _listed(found)


def pressing_alerts(caller: Identity, limit: int) -> Sequence[Alert]:
    """What waits for a person first: open before acknowledged, then by severity, a safety concern before all others of
    its severity, then what has waited longest; at last what is resolved, the newest first.
    """
    state = case({state: place for place, state in enumerate(AlertState)}, value=Alert.state)
    severity = case({severity: place for place, severity in enumerate(Severity)}, value=Alert.severity)
    found = visible_to(caller).order_by(
        state, Alert.resolved_at.desc(), severity, Alert.rule != "safety_concern", Alert.raised_at, Alert.id
    )
    return _listed(found.limit(limit))


def acknowledge(caller: Identity, alert_id: uuid.UUID, now: datetime) -> Alert:
    """Once is enough: again changes nothing. Raises Conflict when it is resolved."""
    alert = get_alert(caller, alert_id, for_update=True)
    if alert.state is AlertState.RESOLVED:
        raise Conflict("This alert is resolved.")
    if alert.state is AlertState.OPEN:
        _acknowledge(alert, caller, now)
        db.session.flush()
    return alert


def resolve(caller: Identity, alert_id: uuid.UUID, outcome: Outcome, note: str | None, now: datetime) -> Alert:
    """Closes it with an outcome; the same again changes nothing. Raises Conflict for another outcome.

    A safety concern is closed with words: raises Refused without a note.
    """
    alert = get_alert(caller, alert_id, for_update=True)
    if alert.state is AlertState.RESOLVED:
        if (alert.outcome, alert.outcome_note) != (outcome, note):
            raise Conflict("This alert was resolved with another outcome.")
        return alert
    if alert.rule == SAFETY and not note:
        raise Refused("note", "A safety concern is closed with a note: what was done, and how the patient is.")
    if alert.state is AlertState.OPEN:
        _acknowledge(alert, caller, now)
    alert.state = AlertState.RESOLVED
    alert.resolved_at = now
    alert.resolved_by = caller.id
    alert.outcome = outcome
    alert.outcome_note = note
    record(alert, EventKind.RESOLVED, now, by=caller)
    db.session.flush()
    return alert


def _listed(found: Select[Alert]) -> Sequence[Alert]:
    listed = db.session.scalars(found).all()
    audit.concerns(*(alert.patient_id for alert in listed))
    return listed


def _waits_since(alert: Alert) -> datetime:
    """When an open alert came to want somebody: raised, raised in severity, or the first thing since it was seen."""
    since = alert.raised_at
    answered = False
    for event in alert.events:
        if event.kind in CALLING or (answered and event.kind is EventKind.REPEATED):
            since, answered = event.at, False
        answered |= event.kind is EventKind.ACKNOWLEDGED
    return since


def _acknowledge(alert: Alert, caller: Identity, now: datetime) -> None:
    """Not flushed: whoever resolves it next writes the row once. PostgreSQL checks the keys of a row that is written
    twice in one transaction, and then waits for the patient's row with the alert's held: a deadlock with an erasure.
    """
    tallies.count_acknowledged(alert.severity, now - _waits_since(alert))
    alert.state = AlertState.ACKNOWLEDGED
    alert.escalate_at = alert.escalate_queued_at = None
    alert.acknowledged_at = now
    alert.acknowledged_by = caller.id
    record(alert, EventKind.ACKNOWLEDGED, now, by=caller)
