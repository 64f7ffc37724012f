"""From findings to alerts: what is news opens an alert or adds to the open one, what was told changes nothing."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

from server.extensions import db
from server.models import Alert, AlertEvent, EventKind, Patient
from server.services.alerts import record, reopen
from server.services.notices import notify
from server.services.told import Told, told_about
from server.trends import RULES, Finding, Severity

REFRACTORY = {rule.name: rule.refractory_days for rule in RULES}

# Each event that told of a finding which the record still holds, with that finding.
Standing: TypeAlias = dict[AlertEvent, Finding]


def raise_findings(patient: Patient, findings: Sequence[Finding], now: datetime) -> None:
    """Opens an alert for each finding that is news, or adds it to the open alert of its rule, and tells of it.

    The caller holds the patient's row, so two of these never run at once for one patient. An alert, its
    events and the jobs that mail it are in the caller's transaction: they commit or vanish together.
    """
    if findings:
        _, mailed = raise_news(patient, findings, told_about([patient.id])[patient.id], now)
        db.session.flush()
        notify([(patient, event) for event in mailed], now)


def raise_news(
    patient: Patient, findings: Sequence[Finding], told: Told, now: datetime
) -> tuple[Standing, list[AlertEvent]]:
    """As `raise_findings`, but tells nobody yet, and does not flush. What is raised is added to `told`.

    Returns what has been told of every finding, and the events that are worth an email.
    """
    standing, news = _match(findings, told.events)
    mailed: dict[uuid.UUID, AlertEvent] = {}
    for finding in news:
        alert = told.alerts.get(finding.rule)
        if alert is None:
            alert = told.alerts[finding.rule] = _open(patient, finding, now)
            kind = EventKind.RAISED
        else:
            kind = _add(alert, finding)
        event = record(alert, kind, now, finding)
        standing[event] = finding
        told.events.append(event)
        if kind is not EventKind.REPEATED or finding.rule not in REFRACTORY:
            mailed[alert.id] = event
    # One email for each alert, about the last that is worth one: days that arrive together are told together.
    return standing, list(mailed.values())


def _match(findings: Sequence[Finding], told: Sequence[AlertEvent]) -> tuple[Standing, list[Finding]]:
    """The findings that an event has told at this severity or a higher one, each with it; and those that are news.

    What a rule finds, it finds again at each look. A late check-in can move the day on which it fires, within
    its refractory time (in the table of rules); so each finding is matched to the nearest event within that, and
    each event to one finding. An answer (a yes about self-harm) is given once: a second one is always news.
    """
    standing: Standing = {}
    news = []
    by_rule: dict[str, list[AlertEvent]] = {}
    for event in told:
        by_rule.setdefault(event.alert.rule, []).append(event)
    for finding in findings:
        around = REFRACTORY.get(finding.rule)
        near = [
            event
            for event in by_rule.get(finding.rule, ())
            if around is not None
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
