"""The life of an alert: raised by a finding, acknowledged, resolved; each step a stored event."""

import logging
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Select, select, tuple_

from server.errors import Conflict, NotFound
from server.extensions import db
from server.models import (
    Alert,
    AlertEmail,
    AlertEvent,
    AlertState,
    CareTeam,
    EventKind,
    Outcome,
    Patient,
    Role,
)
from server.queue import URGENT, enqueue
from server.services.identities import Identity
from server.services.pages import Cursor
from server.services.patients import care_team
from server.trends import RULES, Finding, Severity

log = logging.getLogger(__name__)

_REFRACTORY = {rule.name: rule.refractory_days for rule in RULES}


def raise_findings(patient: Patient, findings: Sequence[Finding], now: datetime) -> None:
    """Opens an alert for each finding, or adds to the open one of its rule; what is known already changes nothing.

    The caller holds the patient's row, so two of these never run at once for one patient. An alert, its
    events and the jobs that mail it are in the caller's transaction: they commit or vanish together.
    """
    if not findings:
        return
    told = _told(patient.id)
    unresolved = db.session.scalars(
        select(Alert)
        .where(Alert.patient_id == patient.id, Alert.state != AlertState.RESOLVED)
        .with_for_update(of=Alert)
        .execution_options(populate_existing=True)
    )
    alerts = {alert.rule: alert for alert in unresolved}
    for finding in findings:
        # What a rule finds, it finds again at each look; an answer is given once, and a second yes is news.
        if finding.rule in _REFRACTORY and _is_known(finding, told):
            continue
        told.append((finding.rule, finding.day, finding.severity))
        if finding.rule in alerts:
            _add(patient, alerts[finding.rule], finding, now)
        else:
            alerts[finding.rule] = _open(patient, finding, now)


def _told(patient_id: uuid.UUID) -> list[tuple[str, date, Severity]]:
    """What the events of this patient's alerts have told: rule, day, severity."""
    rows = db.session.execute(
        select(Alert.rule, AlertEvent.day, AlertEvent.severity)
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(Alert.patient_id == patient_id, AlertEvent.day.is_not(None))
    )
    return [(rule, day, Severity(severity)) for rule, day, severity in rows if day]


def _is_known(finding: Finding, told: Sequence[tuple[str, date, Severity]]) -> bool:
    """Whether an event has told this already, at this severity or a higher one.

    A late check-in can move the day on which a rule fires, so a rule with a refractory time is known
    within that many days, the others by the day itself.
    """
    around = timedelta(days=_REFRACTORY.get(finding.rule, 0))
    return any(
        rule == finding.rule and abs(day - finding.day) <= around and not finding.severity.outranks(severity)
        for rule, day, severity in told
    )


def _add(patient: Patient, alert: Alert, finding: Finding, now: datetime) -> None:
    """A repeat is evidence; a higher severity is news, and is mailed."""
    alert.last_day = max(alert.last_day, finding.day)
    if finding.severity.outranks(Severity(alert.severity)):
        alert.severity = finding.severity
        # The alert says why it is what it is now; what it said before stays with its event.
        _describe(alert, finding)
        _notify(patient, _record(alert, EventKind.SEVERITY_RAISED, now, finding), now)
    else:
        _record(alert, EventKind.REPEATED, now, finding)


def _open(patient: Patient, finding: Finding, now: datetime) -> Alert:
    alert = Alert(
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        rule=finding.rule,
        severity=finding.severity,
        day=finding.day,
        last_day=finding.day,
        raised_at=now,
    )
    _describe(alert, finding)
    db.session.add(alert)
    db.session.flush()
    _notify(patient, _record(alert, EventKind.RAISED, now, finding), now)
    return alert


def _describe(alert: Alert, finding: Finding) -> None:
    alert.rule_version = finding.rule_version
    alert.sentence = finding.sentence
    alert.basis = [day.isoformat() for day in finding.basis]
    alert.figures = finding.figures.as_dict() if finding.figures else {}
    alert.thresholds = finding.thresholds.as_dict()


def _record(
    alert: Alert, kind: EventKind, now: datetime, finding: Finding | None = None, by: Identity | None = None
) -> AlertEvent:
    event = AlertEvent(
        alert_id=alert.id,
        kind=kind,
        at=now,
        member_id=by.id if by else None,
        severity=finding.severity if finding else alert.severity,
        day=finding.day if finding else None,
        sentence=finding.sentence if finding else None,
        basis=[day.isoformat() for day in finding.basis] if finding else None,
    )
    db.session.add(event)
    db.session.flush()
    return event


def _notify(patient: Patient, event: AlertEvent, now: datetime) -> None:
    """One email and one job for each of the care team, in this transaction."""
    if not patient.clinic.live:
        return
    team = care_team(patient)
    if not team:
        log.error("alert %s has nobody to go to", event.alert_id)
    for member in team:
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
        enqueue("deliver", db.session, priority=URGENT, email_id=str(email.id))


def visible_to(caller: Identity) -> Select[Alert]:
    found = select(Alert).where(Alert.clinic_id == caller.clinic_id)
    if caller.role is Role.CLINICIAN:
        found = found.join(CareTeam, CareTeam.patient_id == Alert.patient_id).where(CareTeam.member_id == caller.id)
    return found


def get_alert(caller: Identity, alert_id: uuid.UUID, *, for_update: bool = False) -> Alert:
    """Raises NotFound, alike for the missing and the foreign."""
    found = visible_to(caller).where(Alert.id == alert_id)
    if for_update:
        found = found.with_for_update(of=Alert).execution_options(populate_existing=True)
    alert = db.session.scalar(found)
    if alert is None:
        raise NotFound("There is no such alert.")
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
    return db.session.scalars(found).all()


def acknowledge(caller: Identity, alert_id: uuid.UUID, now: datetime) -> Alert:
    """Once is enough: again changes nothing. Raises Conflict when it is resolved."""
    alert = get_alert(caller, alert_id, for_update=True)
    if alert.state is AlertState.RESOLVED:
        raise Conflict("This alert is resolved.")
    if alert.state is AlertState.OPEN:
        _acknowledge(alert, caller, now)
    return alert


def resolve(caller: Identity, alert_id: uuid.UUID, outcome: Outcome, note: str | None, now: datetime) -> Alert:
    """Closes it with an outcome; the same again changes nothing. Raises Conflict for another outcome."""
    alert = get_alert(caller, alert_id, for_update=True)
    if alert.state is AlertState.RESOLVED:
        if (alert.outcome, alert.outcome_note) != (outcome, note):
            raise Conflict("This alert was resolved with another outcome.")
        return alert
    if alert.state is AlertState.OPEN:
        _acknowledge(alert, caller, now)
    alert.state = AlertState.RESOLVED
    alert.resolved_at = now
    alert.resolved_by = caller.id
    alert.outcome = outcome
    alert.outcome_note = note
    _record(alert, EventKind.RESOLVED, now, by=caller)
    return alert


def _acknowledge(alert: Alert, caller: Identity, now: datetime) -> None:
    alert.state = AlertState.ACKNOWLEDGED
    alert.acknowledged_at = now
    alert.acknowledged_by = caller.id
    _record(alert, EventKind.ACKNOWLEDGED, now, by=caller)
