"""How alerts fare, month by month: how many, how soon somebody had them, how many led to something."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, func, literal_column, select

from server.clock import local_day
from server.extensions import db
from server.models import Alert, AlertEvent, Clinic, EventKind, Outcome, Patient, Pause, Role
from server.services.care_teams import cared_for_by
from server.services.identities import Identity
from server.trends import Severity

# The outcomes by which somebody did something.
ACTED = (Outcome.CONTACTED, Outcome.SEEN_AT_SESSION, Outcome.PLAN_CHANGED, Outcome.REFERRED)
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of one alert; seconds from when it was raised."""

    month: date
    rule: str
    severity: str
    superseded: bool
    outcome: Outcome | None
    acknowledged_after: float | None
    resolved_after: float | None


def figures(caller: Identity, months: int, now: datetime) -> dict[str, Any]:
    """The last `months` of the clinic's calendar, this one included, oldest first: of a clinician's own patients, of
    the whole clinic for an admin.
    """
    clinic = db.session.get_one(Clinic, caller.clinic_id)
    today = local_day(now, clinic.zone, clinic.day_starts_at)
    begins = _months_up_to(today, months)
    fates = _fates(caller, clinic, begins[0])
    days = _patient_days(caller, begins[0], today)
    by_kind: defaultdict[tuple[date, str, str], list[_Fate]] = defaultdict(list)
    for fate in fates:
        by_kind[fate.month, fate.rule, fate.severity].append(fate)
    order = [severity.value for severity in Severity]
    kinds = sorted(by_kind, key=lambda kind: (kind[0], order.index(kind[2]), kind[1]))
    return {
        "months": [_of_month(month, fates, days.get(month, 0)) for month in begins],
        "items": [
            {"month": month, "rule": rule, "severity": severity, **_summed(by_kind[month, rule, severity])}
            for month, rule, severity in kinds
        ],
    }


def _of_month(month: date, fates: Iterable[_Fate], patient_days: int) -> dict[str, Any]:
    theirs, patient_months = [fate for fate in fates if fate.month == month], patient_days / DAYS_A_MONTH
    return {
        "month": month,
        "patient_months": round(patient_months, 2),
        "alerts_per_patient_month": round(len(theirs) / patient_months, 3) if patient_months else None,
        **_summed(theirs),
    }


def _summed(fates: Sequence[_Fate]) -> dict[str, Any]:
    outcomes = [fate.outcome for fate in fates if fate.outcome is not None]
    acted_on = sum(outcome in ACTED for outcome in outcomes)
    acknowledged = [fate.acknowledged_after for fate in fates if fate.acknowledged_after is not None]
    resolved = [fate.resolved_after for fate in fates if fate.resolved_after is not None]
    return {
        "alerts": len(fates),
        "acknowledged": len(acknowledged),
        "resolved": len(outcomes),
        "superseded": sum(fate.superseded for fate in fates),
        "acted_on": acted_on,
        "share_acted_on": round(acted_on / len(outcomes), 3) if outcomes else None,
        "false_alarms": outcomes.count(Outcome.FALSE_ALARM),
        "median_seconds_to_acknowledge": _median(acknowledged),
        "longest_seconds_to_acknowledge": _whole(max(acknowledged, default=None)),
        "median_seconds_to_resolve": _median(resolved),
    }


def _median(seconds: Sequence[float]) -> int | None:
    return _whole(median(seconds)) if seconds else None


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _fates(caller: Identity, clinic: Clinic, since: date) -> list[_Fate]:
    """A reopened alert was acknowledged when it first was."""
    first = (
        select(func.min(AlertEvent.at))
        .where(AlertEvent.alert_id == Alert.id, AlertEvent.kind == EventKind.ACKNOWLEDGED)
        .scalar_subquery()
    )
    begins = datetime(since.year, since.month, since.day, tzinfo=ZoneInfo(clinic.zone))
    found = select(
        Alert.raised_at, Alert.rule, Alert.severity, Alert.superseded_at, Alert.outcome, first, Alert.resolved_at
    ).where(Alert.clinic_id == clinic.id, Alert.raised_at >= begins)
    if caller.role is Role.CLINICIAN:
        found = found.where(Alert.patient_id.in_(cared_for_by(caller)))
    return [
        _Fate(
            raised.astimezone(ZoneInfo(clinic.zone)).date().replace(day=1),
            rule,
            severity,
            superseded is not None,
            outcome,
            None if acknowledged is None else (acknowledged - raised).total_seconds(),
            None if resolved is None else (resolved - raised).total_seconds(),
        )
        for raised, rule, severity, superseded, outcome, acknowledged, resolved in db.session.execute(found)
    ]


def _patient_days(caller: Identity, since: date, today: date) -> Mapping[date, int]:
    """Days on which patients were watched, by month: within the monitored window, and not paused."""
    days = (
        func.generate_series(
            func.greatest(Patient.monitored_from, since),
            func.least(func.coalesce(Patient.monitored_until, today), today),
            literal_column("interval '1 day'"),
        )
        .table_valued("day")
        .render_derived()
    )
    paused = select(Pause.id).where(
        Pause.patient_id == Patient.id,
        Pause.first_day <= days.c.day,
        func.coalesce(Pause.last_day, today) >= days.c.day,
    )
    month = func.date_trunc(literal_column("'month'"), days.c.day)
    found = (
        select(month, func.count().cast(Integer))
        .select_from(Patient)
        .join(days, Patient.monitored_from.is_not(None))
        .where(Patient.clinic_id == caller.clinic_id, ~paused.exists())
        .group_by(month)
    )
    if caller.role is Role.CLINICIAN:
        found = found.where(Patient.id.in_(cared_for_by(caller)))
    return {begins.date(): count for begins, count in db.session.execute(found)}


def _months_up_to(today: date, months: int) -> list[date]:
    last = today.year * 12 + today.month - 1
    return [date(at // 12, at % 12 + 1, 1) for at in range(last - months + 1, last + 1)]
