"""From findings to alerts: what is news opens an alert or adds to the open one, what was told changes nothing."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, lazyload

from server.extensions import db
from server.models import Alert, AlertEvent, AlertState, EventKind, Patient
from server.services.alerts import record, reopen
from server.services.notices import notify
from server.trends import RULES, Finding, Severity

REFRACTORY = {rule.name: rule.refractory_days for rule in RULES}

# Each event that told of a finding which the record still holds, with that finding.
Standing: TypeAlias = dict[AlertEvent, Finding]


def raise_findings(patient: Patient, findings: Sequence[Finding], now: datetime) -> Standing:
    """Opens an alert for each finding that is news, or adds it to the open alert of its rule.

    The caller holds the patient's row, so two of these never run at once for one patient. An alert, its
    events and the jobs that mail it are in the caller's transaction: they commit or vanish together.
    """
    if not findings:
        return {}
    standing, news = _match(findings, told_of(patient.id))
    alerts = unresolved(patient.id) if news else {}
    mailed: dict[uuid.UUID, AlertEvent] = {}
    for finding in news:
        alert = alerts.get(finding.rule)
        if alert is None:
            alert = alerts[finding.rule] = _open(patient, finding, now)
            kind = EventKind.RAISED
        else:
            kind = _add(alert, finding)
        event = record(alert, kind, now, finding)
        standing[event] = finding
        if kind is not EventKind.REPEATED or finding.rule not in REFRACTORY:
            mailed[alert.id] = event
    db.session.flush()
    # One email for each alert, about the last that is worth one: days that arrive together are told together.
    for event in mailed.values():
        notify(patient, event, now)
    return standing


def told_of(patient_id: uuid.UUID) -> Sequence[AlertEvent]:
    """The events whose finding the record still holds, as far as is known; oldest first."""
    return db.session.scalars(
        select(AlertEvent)
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(Alert.patient_id == patient_id, AlertEvent.stands_on.is_not(None))
        .order_by(AlertEvent.stands_on, AlertEvent.id)
        .options(contains_eager(AlertEvent.alert).lazyload(Alert.patient), lazyload(AlertEvent.member))
    ).all()


def _match(findings: Sequence[Finding], told: Sequence[AlertEvent]) -> tuple[Standing, list[Finding]]:
    """The findings that an event has told at this severity or a higher one, each with it; and those that are news.

    What a rule finds, it finds again at each look. A late check-in can move the day on which it fires, within
    its refractory time (in the table of rules); so each finding is matched to the nearest event within that, and
    each event to one finding. An answer (a yes about self-harm) is given once: a second one is always news.
    """
    standing: Standing = {}
    news = []
    for finding in findings:
        around = REFRACTORY.get(finding.rule)
        near = [
            event
            for event in told
            if around is not None
            and event.alert.rule == finding.rule
            and event not in standing
            and _days_off(finding, event) <= around
            and not finding.severity.outranks(Severity(event.severity))
        ]
        if near:
            standing[min(near, key=partial(_distance, finding))] = finding
        else:
            news.append(finding)
    return standing, news


def _days_off(finding: Finding, event: AlertEvent) -> int:
    return abs((event.stands_on - finding.day).days) if event.stands_on else 0


def _distance(finding: Finding, event: AlertEvent) -> tuple[int, bool]:
    """Of two events of one day, the one of the same severity is the nearer."""
    return _days_off(finding, event), event.severity != finding.severity


def unresolved(patient_id: uuid.UUID) -> dict[str, Alert]:
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
        id=uuid.uuid4(),
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        rule=finding.rule,
        severity=finding.severity,
        day=finding.day,
        last_day=finding.day,
        raised_at=now,
    )
    describe(alert, finding)
    db.session.add(alert)
    return alert


def _add(alert: Alert, finding: Finding) -> EventKind:
    """A repeat is evidence. A higher severity, or another yes about self-harm, wants a person again."""
    if alert.superseded_at:
        # What it was raised for is gone from the record; this stands in its place.
        alert.superseded_at = None
        alert.severity, alert.day, alert.last_day = finding.severity, finding.day, finding.day
        describe(alert, finding)
        reopen(alert)
        return EventKind.RAISED
    alert.last_day = max(alert.last_day, finding.day)
    if finding.severity.outranks(Severity(alert.severity)):
        alert.severity = finding.severity
        # The alert says why it is what it is now; what it said before stays with its event.
        describe(alert, finding)
        reopen(alert)
        return EventKind.SEVERITY_RAISED
    if finding.rule not in REFRACTORY:
        reopen(alert)
    return EventKind.REPEATED


def describe(alert: Alert, finding: Finding) -> None:
    """Lets the alert say what this finding says."""
    alert.rule_version = finding.rule_version
    alert.sentence = finding.sentence
    alert.basis = [day.isoformat() for day in finding.basis]
    alert.figures = finding.figures.as_dict() if finding.figures else {}
    alert.thresholds = finding.thresholds.as_dict()
