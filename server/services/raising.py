"""From findings to alerts: what is news opens an alert or adds to the open one, what was told changes nothing."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy import select

from server.extensions import db
from server.models import Alert, AlertEvent, AlertState, EventKind, Patient
from server.services.alerts import record, reopen
from server.services.notices import notify
from server.trends import RULES, Finding, Severity

_REFRACTORY = {rule.name: rule.refractory_days for rule in RULES}


def raise_findings(patient: Patient, findings: Sequence[Finding], now: datetime) -> None:
    """Opens an alert for each finding that is news, or adds it to the open alert of its rule.

    The caller holds the patient's row, so two of these never run at once for one patient. An alert, its
    events and the jobs that mail it are in the caller's transaction: they commit or vanish together.
    """
    if not findings:
        return
    news = _news(findings, _told(patient.id))
    alerts = _unresolved(patient.id) if news else {}
    mailed: dict[uuid.UUID, AlertEvent] = {}
    for finding in news:
        alert = alerts.get(finding.rule)
        if alert is None:
            alert = alerts[finding.rule] = _open(patient, finding, now)
            mailed[alert.id] = record(alert, EventKind.RAISED, now, finding)
        elif (kind := _add(alert, finding)) is EventKind.REPEATED and finding.rule in _REFRACTORY:
            record(alert, kind, now, finding)
        else:
            mailed[alert.id] = record(alert, kind, now, finding)
    # One email for each alert, about the last that is worth one: days that arrive together are told together.
    for event in mailed.values():
        notify(patient, event, now)


@dataclass(slots=True)
class _Told:
    """One event of an alert, and whether one of today's findings is what it told."""

    rule: str
    day: date
    severity: Severity
    matched: bool = False


def _told(patient_id: uuid.UUID) -> list[_Told]:
    rows = db.session.execute(
        select(Alert.rule, AlertEvent.day, AlertEvent.severity)
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(Alert.patient_id == patient_id, AlertEvent.day.is_not(None))
        .order_by(AlertEvent.day, AlertEvent.id)
    )
    return [_Told(rule, day, Severity(severity)) for rule, day, severity in rows if day]


def _news(findings: Sequence[Finding], told: Sequence[_Told]) -> list[Finding]:
    """The findings that no event has told, at this severity or a higher one.

    What a rule finds, it finds again at each look. A late check-in can move the day on which it fires, within
    its refractory time (in the table of rules); so each finding is matched to the nearest event within that, and
    each event to one finding. An answer (a yes about self-harm) is given once: a second one is always news.
    """
    news = []
    for finding in findings:
        around = _REFRACTORY.get(finding.rule)
        near = [
            event
            for event in told
            if around is not None
            and event.rule == finding.rule
            and not event.matched
            and abs((event.day - finding.day).days) <= around
            and not finding.severity.outranks(event.severity)
        ]
        if near:
            min(near, key=partial(_distance, finding)).matched = True
        else:
            news.append(finding)
    return news


def _distance(finding: Finding, event: _Told) -> tuple[int, bool]:
    """Of two events of one day, the one of the same severity is the nearer."""
    return abs((event.day - finding.day).days), event.severity is not finding.severity


def _unresolved(patient_id: uuid.UUID) -> dict[str, Alert]:
    """By rule: there is at most one each."""
    found = db.session.scalars(
        select(Alert)
        .where(Alert.patient_id == patient_id, Alert.state != AlertState.RESOLVED)
        .with_for_update(of=Alert)
        .execution_options(populate_existing=True)
    )
    return {alert.rule: alert for alert in found}


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
    return alert


def _add(alert: Alert, finding: Finding) -> EventKind:
    """A repeat is evidence. A higher severity, or another yes about self-harm, wants a person again."""
    alert.last_day = max(alert.last_day, finding.day)
    if finding.severity.outranks(Severity(alert.severity)):
        alert.severity = finding.severity
        # The alert says why it is what it is now; what it said before stays with its event.
        _describe(alert, finding)
        reopen(alert)
        return EventKind.SEVERITY_RAISED
    if finding.rule not in _REFRACTORY:
        reopen(alert)
    return EventKind.REPEATED


def _describe(alert: Alert, finding: Finding) -> None:
    alert.rule_version = finding.rule_version
    alert.sentence = finding.sentence
    alert.basis = [day.isoformat() for day in finding.basis]
    alert.figures = finding.figures.as_dict() if finding.figures else {}
    alert.thresholds = finding.thresholds.as_dict()
