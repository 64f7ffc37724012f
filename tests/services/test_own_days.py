"""A patient's own days as a pure function of where the patient was."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import day_end, last_day_over, local_day
from server.services.own_days import OwnDays, cut_by_travel, cut_short, own_days
from tests.test_clock import JUMPY

DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
APIA, KIRITIMATI, PAGO_PAGO, LORD_HOWE = (
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
)
NEW_YORK, LOS_ANGELES, SYDNEY, PARIS = "America/New_York", "America/Los_Angeles", "Australia/Sydney", "Europe/Paris"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

# name, from where, at what instant to where, and on again; the days of May 2026 that were cut short
JOURNEYS: list[tuple[str, list[tuple[str, str]], list[int]]] = [
    ("nowhere", [("2026-01-01T00:00Z", NEW_YORK)], []),
    ("landed in Sydney, a day later than they left", [("", LOS_ANGELES), ("2026-05-06T06:00+10:00", SYDNEY)], [5]),
    ("and back: a day that comes twice is long", [("", SYDNEY), ("2026-05-06T06:00-07:00", LOS_ANGELES)], []),
    ("a day that never was", [("", PAGO_PAGO), ("2026-05-04T23:30-11:00", KIRITIMATI)], [5]),
    ("two halves make a day cut short each", [("", PAGO_PAGO), ("2026-05-04T16:00-11:00", KIRITIMATI)], [4, 5]),
    ("over night to Paris", [("", NEW_YORK), ("2026-05-05T08:00+02:00", PARIS)], []),
    ("told of it in the evening", [("", NEW_YORK), ("2026-05-04T18:00-04:00", PARIS)], [4]),
    ("told of it late in the evening", [("", NEW_YORK), ("2026-05-04T20:01-04:00", PARIS)], []),
    ("from coast to coast", [("", LOS_ANGELES), ("2026-05-04T12:00-07:00", NEW_YORK)], []),
    ("there and back", [("", NEW_YORK), ("2026-05-04T18:00-04:00", PARIS), ("2026-05-04T18:30-04:00", NEW_YORK)], []),
    ("back later", [("", NEW_YORK), ("2026-05-04T18:00-04:00", PARIS), ("2026-05-05T10:00-04:00", NEW_YORK)], [4]),
]  # fmt: skip


def stretches(told: list[tuple[str, str]]) -> list[tuple[datetime, str]]:
    return [(datetime.fromisoformat(at) if at else LONG_AGO, zone) for at, zone in told]


@pytest.mark.parametrize(("told", "days"), [row[1:] for row in JOURNEYS], ids=[row[0] for row in JOURNEYS])
def test_the_days_that_travel_cuts_short(told: list[tuple[str, str]], days: list[int]) -> None:
    assert cut_by_travel(stretches(told)) == [date(2026, 5, day) for day in days]


@given(
    zones=st.lists(st.sampled_from([*JUMPY, KIRITIMATI, PAGO_PAGO, SYDNEY]), min_size=1, max_size=6),
    hours=st.lists(st.integers(0, 4 * 60), min_size=6, max_size=6),
    start=st.sampled_from(["2026-03-07", "2026-04-03", "2026-09-05", "2026-10-03", "2026-10-31", "2020-09-26"]),
)
def test_they_are_those_of_which_the_clock_showed_too_little(zones: list[str], hours: list[int], start: str) -> None:
    """Counted a quarter of an hour at a time."""
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    told, at = [(begin, zones[0])], begin
    for zone, quarters in zip(zones[1:], hours[1:], strict=False):
        at += quarters * QUARTER
        told.append((at, zone))
    awake: Counter[date] = Counter()
    at, turns = begin - 3 * DAY, list(told)
    while at < told[-1][0] + 4 * DAY:
        while len(turns) > 1 and turns[1][0] <= at:
            turns.pop(0)
        wall = at.astimezone(ZoneInfo(turns[0][1]))
        awake[wall.date()] += wall.hour >= 8
        at += QUARTER
    first, last = min(awake), max(awake)
    whole = {first + index * DAY for index in range(2, (last - first).days - 1)}
    assert set(cut_by_travel(told)) == {day for day in whole if awake[day] <= 48}


def test_a_day_that_a_zone_skips_is_one_of_them() -> None:
    assert list(cut_short(APIA, [], date(2011, 12, 1), date(2012, 1, 31))) == [date(2011, 12, 30)]
    assert list(cut_short(APIA, [date(2011, 11, 30), date(2011, 12, 2)], date(2011, 12, 1), date(2011, 12, 3))) == [
        date(2011, 12, 2)
    ]


@pytest.mark.parametrize("zone", ["America/New_York", "America/Santiago", LORD_HOWE, "Pacific/Apia"])
def test_a_turn_of_the_clock_is_none(zone: str) -> None:
    assert list(cut_short(zone, [], date(2018, 1, 1), date(2026, 12, 31))) == []


@given(
    zone=st.sampled_from(JUMPY),
    hour=st.integers(0, 8),
    at=st.datetimes(datetime(2018, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001  # made aware below
)
def test_a_day_that_is_over_is_over_for_good(zone: str, hour: int, at: datetime) -> None:
    instant = at.replace(tzinfo=UTC)
    over = last_day_over(instant, zone, hour)
    assert day_end(over, zone, hour) <= instant < day_end(over + 2 * DAY, zone, hour)
    assert local_day(instant, zone, hour) > over
    days = own_days(zone, None, hour, instant)
    assert days == OwnDays(local_day(instant, zone, hour), over, day_end(over + DAY, zone, hour))
    assert days.closes_at > instant


@pytest.mark.parametrize(
    ("closed_elsewhere", "over", "closes_at"),
    [
        (None, "2026-05-03", "2026-05-05T08:00Z"),
        ("2026-05-02", "2026-05-03", "2026-05-05T08:00Z"),
        ("2026-05-04", "2026-05-04", "2026-05-06T08:00Z"),
        ("2026-05-05", "2026-05-05", "2026-05-07T08:00Z"),
        # Nobody can have been there yet: that was a clock that was wrong.
        ("2026-05-06", "2026-05-03", "2026-05-05T08:00Z"),
        ("2027-05-04", "2026-05-03", "2026-05-05T08:00Z"),
    ],
)
def test_what_was_closed_elsewhere_stays_closed(closed_elsewhere: str | None, over: str, closes_at: str) -> None:
    elsewhere = date.fromisoformat(closed_elsewhere) if closed_elsewhere else None
    days = own_days(NEW_YORK, elsewhere, 4, datetime(2026, 5, 4, 20, tzinfo=UTC))
    assert days == OwnDays(date(2026, 5, 4), date.fromisoformat(over), datetime.fromisoformat(closes_at))
