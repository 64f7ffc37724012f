"""What a change of the record does to alerts that are out: restated or superseded with the reason, never withdrawn.

A late or replaced check-in can move a finding, weaken it, or take it away. The alert was sent, so it stays and says
what the record says now; one that rests on nothing any more is marked superseded. Closing it remains a person's.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, select

from server.extensions import db
from server.models import Alert, CheckIn, CheckInVersion, EventKind
from server.services.alerts import record
from server.services.raising import REFRACTORY, Standing, describe
from server.services.told import Told
from server.trends import Finding, Severity
from server.trends.sentences import name_day


def restate(told: Told, standing: Standing, closed: date, now: datetime) -> bool:
    """Brings the alerts of a patient into line with all that the whole record holds. Does not flush.

    `standing`: what `raise_news` said of every finding in the record. `closed`: the last local day that is over;
    what an open day has told may still change back, and is left alone until it is over. Returns whether it has.
    """
    open_days = set()
    for event in told.events:
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
    for alert in told.alerts.values():
        if alert.rule in REFRACTORY and alert.id not in open_days:
            _restate(alert, by_alert.get(alert, []), now)
    return any(event.stands_on and event.stands_on > closed for event in told.events)


def _restate(alert: Alert, findings: Sequence[Finding], now: datetime) -> None:
    if not findings:
        if alert.superseded_at is None:
            alert.superseded_at = now
            # It still waits to be closed, and no more people are told of what is not so.
            alert.escalate_at = alert.escalate_queued_at = None
            record(alert, EventKind.SUPERSEDED, now, reason=_reason(alert, alert.last_day, now))
        return
    worst, was, last_day = _worst(findings), _says(alert), alert.last_day
    alert.severity = worst.severity
    alert.day, alert.last_day = min(one.day for one in findings), max(one.day for one in findings)
    describe(alert, worst)
    if _says(alert) != was:
        record(alert, EventKind.RESTATED, now, worst, reason=_reason(alert, last_day, now))


def _worst(findings: Sequence[Finding]) -> Finding:
    """The first of the highest severity: what the alert would say, had all come in the order of its days."""
    worst, *later = sorted(findings, key=lambda finding: finding.day)
    for finding in later:
        if finding.severity.outranks(worst.severity):
            worst = finding
    return worst


def _says(alert: Alert) -> tuple[object, ...]:
    return Severity(alert.severity), alert.day, alert.last_day, alert.sentence, alert.basis


def _reason(alert: Alert, last_day: date, now: datetime) -> str:
    """What came in since the alert last spoke, before this look, about days up to its last."""
    spoke = max((event.at for event in alert.events if event.day and event.at < now), default=alert.raised_at)
    arrived = _days(alert, last_day, CheckIn.received_at > spoke)
    edited = _days_edited(alert, last_day, spoke)
    if not arrived and not edited:
        return "The limits, the sessions, the monitored days, the zone or the pauses were changed."
    what = "arrived later" if not edited else "was edited" if not arrived else "arrived later or was edited"
    days = sorted({*arrived, *edited})
    if len(days) == 1:
        return f"A check-in for {name_day(days[0], last_day)} {what}."
    first, last = (name_day(day, last_day) for day in (days[0], days[-1]))
    many = "Check-ins" if edited else f"{len(days)} check-ins"
    return f"{many} for {first} to {last} {what.replace('was', 'were')}."


def _days(alert: Alert, last_day: date, *which: ColumnElement[bool]) -> set[date]:
    found = select(CheckIn.day).where(CheckIn.patient_id == alert.patient_id, CheckIn.counts, CheckIn.day <= last_day)
    return set(db.session.scalars(found.where(*which)))


def _days_edited(alert: Alert, last_day: date, since: datetime) -> set[date]:
    """Those that an edit was of, or moved to."""
    left = select(CheckInVersion.day).where(
        CheckInVersion.patient_id == alert.patient_id,
        CheckInVersion.day <= last_day,
        CheckInVersion.replaced_at > since,
        # One that had not arrived when the alert spoke is told of as late.
        CheckInVersion.received_at <= since,
    )
    return _days(alert, last_day, CheckIn.edited_at > since, CheckIn.received_at <= since) | set(
        db.session.scalars(left)
    )
