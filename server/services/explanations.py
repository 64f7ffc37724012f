"""Replaying an alert: the finding that its record gives today, beside the one that was raised."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select

from server.errors import NotFound
from server.extensions import db
from server.models import Alert, AlertEvent, Answer, CheckIn, EventKind
from server.scope import enter, every_clinic
from server.services.courses import course_of
from server.services.limits import thresholds_then
from server.services.records import record_of
from server.trends import Finding, Record, Thresholds, assess, safety_concern

DAYS_BEFORE = 21
DESCRIBING = (EventKind.RAISED, EventKind.SEVERITY_RAISED, EventKind.RESTATED)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was raised, what the same rule finds now, by the limits of then; equal when nothing has changed."""

    alert: Alert
    stored: dict[str, Any]
    replayed: dict[str, Any] | None  # None: the rule finds nothing on that day any more
    record: Record
    first_day: date  # of the readings to show
    late: Sequence[CheckIn]  # of the days up to the finding, received after it was raised

    @property
    def differences(self) -> list[str]:
        """The names of what is not as it was raised."""
        if self.replayed is None:
            return ["day"]
        return [name for name, value in self.stored.items() if self.replayed[name] != value]


def explain(alert_id: uuid.UUID, now: datetime) -> Explanation:
    """Replays an alert as it was last described. Raises NotFound when it, or what it was judged by, is not there."""
    alert = _find(alert_id)
    event = [event for event in alert.events if event.kind in DESCRIBING and event.day][-1]
    day = event.day or alert.day
    # A later course is no change of this one.
    record = replace(record_of(alert.patient, now), course=course_of(alert.patient_id, event.at))
    thresholds = thresholds_then(alert.clinic_id, alert.thresholds["version"])
    stored = _stored(alert, day)
    finding = _closest(_found(alert, record, day, thresholds), stored)
    basis = [date.fromisoformat(told) for told in alert.basis]
    return Explanation(
        alert=alert,
        stored=stored,
        replayed=_replayed(finding, stored) if finding else None,
        record=record,
        first_day=min([*basis, day - timedelta(days=DAYS_BEFORE)]),
        late=_received_after(alert, day, event),
    )


def _find(alert_id: uuid.UUID) -> Alert:
    """Whoever runs the service asks, and knows the alert and not its clinic: each clinic in turn."""
    for clinic_id in every_clinic():
        enter(clinic_id)
        alert = db.session.get(Alert, alert_id)
        if alert is not None:
            return alert
    raise NotFound("There is no such alert.")


def _stored(alert: Alert, day: date) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "version": alert.rule_version,
        "day": day,
        "severity": alert.severity,
        "sentence": alert.sentence,
        "basis": [date.fromisoformat(told) for told in alert.basis],
        "figures": alert.figures,
        "limits": alert.thresholds,
    }


def _replayed(finding: Finding, stored: dict[str, Any]) -> dict[str, Any]:
    limits = finding.thresholds.as_dict()
    return {
        "rule": finding.rule,
        "version": finding.rule_version,
        "day": finding.day,
        "severity": str(finding.severity),
        "sentence": finding.sentence,
        "basis": list(finding.basis),
        "figures": finding.figures.as_dict() if finding.figures else {},
        # An alert of before a limit was there does not name it.
        "limits": {name: limits.get(name) for name in stored["limits"]},
    }


def _found(alert: Alert, record: Record, day: date, thresholds: Thresholds) -> list[Finding]:
    """What the alert's rule finds on its day."""
    if alert.rule == "safety_concern":
        refused = safety_concern(day, thresholds, taken=False)
        if alert.sentence == refused.sentence:
            # What was refused is in no record, and so nothing there can have changed.
            return [refused]
        yes = exists().where(
            CheckIn.patient_id == alert.patient_id, CheckIn.day == day, CheckIn.self_harm_thoughts == Answer.YES
        )
        return [safety_concern(day, thresholds)] if db.session.scalar(select(yes)) else []
    return [finding for finding in assess(record, thresholds) if (finding.rule, finding.day) == (alert.rule, day)]


def _closest(found: Sequence[Finding], stored: dict[str, Any]) -> Finding | None:
    """Two sessions of one day may both have been missed: the sentence tells which one it is."""
    return max(found, key=lambda finding: finding.sentence == stored["sentence"], default=None)


def _received_after(alert: Alert, day: date, event: AlertEvent) -> Sequence[CheckIn]:
    return db.session.scalars(
        select(CheckIn)
        .where(CheckIn.patient_id == alert.patient_id, CheckIn.day <= day)
        .where(func.coalesce(CheckIn.edited_at, CheckIn.received_at) > event.at)
        .order_by(CheckIn.day, CheckIn.received_at)
    ).all()
