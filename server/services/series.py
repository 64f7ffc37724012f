"""One patient's ratings over a window of days, with what was expected, the sessions, and the alerts beside them."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from server.extensions import db
from server.models import Alert, AlertState, CheckIn, Patient, SessionState
from server.services.courses import course_of, patient_sessions
from server.services.own_days import days_of
from server.trends import Reading
from server.trends.band import Expected, expected_band
from server.trends.items import CRAVING, MOOD


@dataclass(frozen=True, slots=True)
class Window:
    """Local days of the patient, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class DayOfSeries:
    """One local day. Ratings are None where none was given, expectations None while too little is known."""

    day: date
    craving: float | None
    mood: float | None
    craving_expected: Expected | None
    mood_expected: Expected | None


@dataclass(frozen=True, slots=True)
class SessionMark:
    day: date
    number: int
    of: int
    state: SessionState


@dataclass(frozen=True, slots=True)
class AlertMark:
    id: uuid.UUID
    rule: str
    severity: str
    day: date
    last_day: date
    state: AlertState


@dataclass(frozen=True, slots=True)
class Series:
    window: Window
    days: tuple[DayOfSeries, ...]
    sessions: tuple[SessionMark, ...]
    alerts: tuple[AlertMark, ...] = ()


def own_series(patient_id: uuid.UUID, days: int, now: datetime) -> Series:
    """What a patient reported and the engine expected, for the patient: no verdict is in it."""
    patient = db.session.get_one(Patient, patient_id)
    return _series(patient.id, _last_days(patient, days, now))


def patient_series(patient: Patient, days: int, now: datetime) -> Series:
    """The same with the alerts, for the care team."""
    return _with_alerts(patient.id, _last_days(patient, days, now))


def series_around(alert: Alert, now: datetime) -> Series:
    """Six weeks before an alert to two weeks after its last day, but nothing that is still to come."""
    today = _last_days(alert.patient, 1, now).last
    last = max(alert.last_day, min(today, alert.last_day + timedelta(weeks=2)))
    # An alert that stayed open for long is shown by its end.
    first = max(alert.day - timedelta(weeks=6), last - timedelta(weeks=26))
    return _with_alerts(alert.patient_id, Window(first, last))


def _last_days(patient: Patient, days: int, now: datetime) -> Window:
    today = days_of(patient, now).today
    return Window(today - timedelta(days=days - 1), today)


def _with_alerts(patient_id: uuid.UUID, window: Window) -> Series:
    return replace(_series(patient_id, window), alerts=_alerts_in(patient_id, window))


def _series(patient_id: uuid.UUID, window: Window) -> Series:
    readings = _readings_until(patient_id, window.last)
    by_day = {reading.day: reading for reading in readings}
    course = course_of(patient_id)
    craving, mood = (expected_band(item, readings, course, window.first, window.last) for item in (CRAVING, MOOD))
    days = tuple(_day(by_day.get(one.day), one, other) for one, other in zip(craving, mood, strict=True))
    return Series(window, days, _sessions_in(patient_id, window))


def _alerts_in(patient_id: uuid.UUID, window: Window) -> tuple[AlertMark, ...]:
    """Whatever fired within the window, oldest first."""
    found = db.session.scalars(
        select(Alert)
        .where(Alert.patient_id == patient_id, Alert.last_day >= window.first, Alert.day <= window.last)
        .order_by(Alert.day, Alert.rule, Alert.id)
    )
    return tuple(
        AlertMark(alert.id, alert.rule, alert.severity, alert.day, alert.last_day, alert.state) for alert in found
    )


def _day(reading: Reading | None, craving: Expected, mood: Expected) -> DayOfSeries:
    return DayOfSeries(
        craving.day,
        reading.craving if reading else None,
        reading.mood if reading else None,
        craving if craving.mean is not None else None,
        mood if mood.mean is not None else None,
    )


def _readings_until(patient_id: uuid.UUID, last: date) -> Sequence[Reading]:
    """The two ratings alone: nothing else of a check-in is needed here, so nothing else is read."""
    found = db.session.execute(
        select(CheckIn.day, CheckIn.craving, CheckIn.mood)
        .where(CheckIn.patient_id == patient_id, CheckIn.counts, CheckIn.day <= last)
        .order_by(CheckIn.day)
    )
    return [Reading(day, _number(craving), _number(mood)) for day, craving, mood in found]


def _number(rating: Decimal | None) -> float | None:
    return None if rating is None else float(rating)


def _sessions_in(patient_id: uuid.UUID, window: Window) -> tuple[SessionMark, ...]:
    sessions = patient_sessions(patient_id)
    of = Counter(found.course_id for found in sessions)
    return tuple(
        SessionMark(found.day, found.number, of[found.course_id], found.state)
        for found in sessions
        if window.first <= found.day <= window.last
    )
