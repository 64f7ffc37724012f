"""A patient's own days: which one it is, which are over, and which were cut short, wherever the patient has been.

A day is today by the wall clock of where the patient is. It is closed once: whoever crosses the date line to the west
lives a day again that was closed, and it stays closed. Whoever goes far to the east loses hours of a day, or all of
it: such a day is unknown, like one on which our service was down. A check-in on it counts, none says nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from server.clock import day_end, last_day_over, local_day, waking_hours
from server.models import Patient

# A day is unknown when a quarter of its waking hours, 08:00 to midnight by the patient's clock, was lost. People
# answer at an hour of their own, and that is a whole morning or evening; after less, the same day still has room, and
# the phone tries again by itself. Who sleeps misses nothing. The price of an unknown day is small: a silence is told a
# day later.
ENOUGH = timedelta(hours=4)
WAKING = timedelta(hours=16)
DAY = timedelta(days=1)
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
# From the westernmost zone to the easternmost it is 26 hours.
FURTHEST = 2 * DAY

Stretch = tuple[datetime, str]
"""Since when the patient's clock is of which zone."""


@dataclass(frozen=True, slots=True)
class OwnDays:
    """A patient's days at one moment."""

    today: date
    over: date
    """The last day that is over, or was closed before the patient came to the present zone."""
    closes_at: datetime
    """When the day after it will be over."""


def always(zone: str) -> tuple[Stretch, ...]:
    """Of somebody who was never elsewhere."""
    return ((BEGINNING, zone),)


def own_days(zone: str, closed_elsewhere: date | None, day_starts_at: int, now: datetime) -> OwnDays:
    days = _in_zone(zone, day_starts_at, now)
    # What is further ahead than anybody can be was closed by a clock that was wrong.
    if closed_elsewhere is None or not days.over < closed_elsewhere < days.today + FURTHEST:
        return days
    return OwnDays(days.today, closed_elsewhere, day_end(closed_elsewhere + DAY, zone, day_starts_at))


def days_of(patient: Patient, now: datetime) -> OwnDays:
    return own_days(patient.zone, patient.closed_elsewhere, patient.clinic.day_starts_at, now)


def is_cut_short(zone: str, by_travel: Sequence[date], day: date) -> bool:
    """Whether the patient's own clock left too little of this day, so that nothing is missed on it."""
    return day in by_travel or _skips(zone, day)


def cut_short(zone: str, by_travel: Sequence[date], first: date, last: date) -> Iterator[date]:
    """Such days from `first` to `last`: those that travel cut short, and those that the zone itself skips."""
    yield from (day for day in by_travel if first <= day <= last)
    for index in range((last - first).days + 1):
        if _skips(zone, first + index * DAY):
            yield first + index * DAY


def cut_by_travel(stretches: Sequence[Stretch]) -> list[date]:
    """The days of which somebody lost too many waking hours who was in these zones, oldest first."""
    touched: set[date] = set()
    for (_, zone), (at, next_zone) in pairwise(stretches):
        there, here = sorted(at.astimezone(ZoneInfo(name)).date() for name in (zone, next_zone))
        touched |= {there + index * DAY for index in range((here - there).days + 1)}
    return sorted(day for day in touched if _lost(day, stretches) >= ENOUGH)


def each_stretch(stretches: Sequence[Stretch]) -> Iterator[tuple[str, datetime, datetime]]:
    """A zone, and from when until when; before the first there was no other, and the last lasts."""
    bounds = [BEGINNING, *(since for since, _ in stretches[1:]), END]
    for (_, zone), (begin, end) in zip(stretches, pairwise(bounds), strict=True):
        yield zone, begin, end


def _lost(day: date, stretches: Sequence[Stretch]) -> timedelta:
    """How many of the waking hours of the day the patient's clock never showed."""
    lived = timedelta()
    for zone, begin, end in each_stretch(stretches):
        wakes, sleeps = waking_hours(day, zone)
        lived += max(min(end, sleeps) - max(begin, wakes), timedelta())
    return WAKING - lived


@lru_cache(maxsize=2**14)
def _skips(zone: str, day: date) -> bool:
    wakes, sleeps = waking_hours(day, zone)
    return WAKING - (sleeps - wakes) >= ENOUGH


@lru_cache(maxsize=2**10)
def _in_zone(zone: str, day_starts_at: int, now: datetime) -> OwnDays:
    over = last_day_over(now, zone, day_starts_at)
    return OwnDays(local_day(now, zone, day_starts_at), over, day_end(over + DAY, zone, day_starts_at))
