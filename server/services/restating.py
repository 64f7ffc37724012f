"""What a change of the record does to alerts that are out: restated or superseded with the reason, never withdrawn.

A late or replaced check-in can move a finding, weaken it, or take it away. The alert was sent, so it stays and says
what the record says now; one that rests on nothing any more is marked superseded. Closing it remains a person's.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from server.extensions import db
from server.models import Alert, CheckIn, EventKind, Patient
from server.services.alerts import record
from server.services.raising import REFRACTORY, Standing, describe, told_of, unresolved
from server.trends import Finding, Severity
from server.trends.sentences import name_day


def restate(patient: Patient, standing: Standing, closed: date, now: datetime) -> bool:
    """Brings the alerts of a patient into line with all that the whole record holds.

    `standing`: what `raise_findings` said of every finding in the record. `closed`: the last local day that is over;
    what an open day has told may still change back, and is left alone until it is over. Returns whether it has.
    """
    open_days, told = set(), told_of(patient.id)
    for event in told:
        if event in standing:
            event.stands_on = standing[event].day
        elif event.alert.rule in REFRACTORY and event.stands_on:
            if event.stands_on > closed:
                open_days.add(event.alert.id)
            else:
                event.stands_on = None
    by_alert: dict[Alert, list[Finding]] = {}
    for event, finding in standing.items():
        by_alert.setdefault(event.alert, []).append(finding)
    for alert in unresolved(patient.id).values():
        if alert.rule in REFRACTORY and alert.id not in open_days:
            _restate(alert, by_alert.get(alert, []), now)
    db.session.flush()
    return any(event.stands_on and event.stands_on > closed for event in told)


def _restate(alert: Alert, findings: Sequence[Finding], now: datetime) -> None:
    if not findings:
        if alert.superseded_at is None:
            alert.superseded_at = now
            record(alert, EventKind.SUPERSEDED, now, reason=_reason(alert, alert.last_day))
        return
    worst, was, last_day = _worst(findings), _says(alert), alert.last_day
    alert.severity = worst.severity
    alert.day, alert.last_day = min(one.day for one in findings), max(one.day for one in findings)
    describe(alert, worst)
    if _says(alert) != was:
        record(alert, EventKind.RESTATED, now, worst, reason=_reason(alert, last_day))


def _worst(findings: Sequence[Finding]) -> Finding:
    """The first of the highest severity: what the alert would say, had all come in the order of its days."""
    worst, *later = sorted(findings, key=lambda finding: finding.day)
    for finding in later:
        if finding.severity.outranks(worst.severity):
            worst = finding
    return worst


def _says(alert: Alert) -> tuple[object, ...]:
    return Severity(alert.severity), alert.day, alert.last_day, alert.sentence, alert.basis


def _reason(alert: Alert, last_day: date) -> str:
    """What came in since the alert last spoke, about days up to its last."""
    spoke = max(event.at for event in alert.events if event.day)
    days = db.session.scalars(
        select(CheckIn.day)
        .where(
            CheckIn.patient_id == alert.patient_id,
            CheckIn.counts,
            CheckIn.day <= last_day,
            CheckIn.received_at > spoke,
        )
        .order_by(CheckIn.day)
    ).all()
    if not days:
        return "The limits, the sessions, the monitored days or the pauses were changed."
    if len(days) == 1:
        return f"A check-in for {name_day(days[0], last_day)} arrived later."
    first, last = (name_day(day, last_day) for day in (days[0], days[-1]))
    return f"{len(days)} check-ins for {first} to {last} arrived later."
