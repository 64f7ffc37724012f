"""Local days: every instant is in one, and each ends where the next begins, also where clocks jump."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import day_end, local_day, next_instant_of, noon, utcnow, wall_day

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SINCE = datetime(2019, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})
# Zones that have it all: half an hour, two hours, no date at all, midnight, several rules a year.
JUMPY = (
    "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll",
    "Antarctica/Casey", "Africa/Cairo", "Africa/Casablanca", "Europe/Helsinki", "Asia/Kathmandu", "America/Havana",
)  # fmt: skip


@cache
def jumps(zone: str) -> list[date]:
    """The days of 2018 to 2027 around which the zone's offset changes."""
    info = ZoneInfo(zone)

    def offset(day: date) -> timedelta | None:
        return datetime(day.year, day.month, day.day, 12, tzinfo=info).utcoffset()

    weeks = [date(2018, 1, 1) + timedelta(weeks=week) for week in range(10 * 52)]
    changed = [start for start, end in pairwise(weeks) if offset(start) != offset(end)]
    days = [start + timedelta(days=back) for start in changed for back in range(7)]
    return [day + DAY for day in days if offset(day) != offset(day + DAY)]


def assert_day_ends_well(day: date, zone: str, hour: int) -> None:
    end = day_end(day, zone, hour)
    assert local_day(end, zone, hour) > day, (day, zone, hour)
    # Over for good: no clock that goes back brings the day back.
    for later in range(1, 27):
        assert local_day(end + timedelta(hours=later), zone, hour) > day, (day, zone, hour)


@pytest.mark.parametrize("zone", JUMPY)
def test_a_day_ends_once_and_for_good_around_every_jump(zone: str) -> None:
    for jump in jumps(zone)[-40:]:
        for day in (jump - timedelta(days=2), jump - timedelta(days=1), jump):
            for hour in range(9):
                assert_day_ends_well(day, zone, hour)


def test_at_four_the_day_ends_where_the_next_begins_in_every_zone() -> None:
    for zone in ZONES:
        for jump in jumps(zone)[-3:]:
            for day in (jump - timedelta(days=1), jump):
                end = day_end(day, zone, 4)
                assert local_day(end, zone, 4) > day, (day, zone)
                assert local_day(end - SECOND, zone, 4) <= day, (day, zone)


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 8),
    instant=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001  # made aware below
)
def test_every_instant_is_in_the_day_that_ends_next(zone: str, hour: int, instant: datetime) -> None:
    at = instant.replace(tzinfo=UTC)
    day = local_day(at, zone, hour)
    assert day_end(day, zone, hour) > at
    assert day_end(day - timedelta(days=2), zone, hour) <= at


@given(zone=st.sampled_from(JUMPY), index=st.integers(0, 30), hour=st.integers(0, 8), minutes=st.integers(-1500, 1500))
def test_every_instant_around_a_jump_too(zone: str, index: int, hour: int, minutes: int) -> None:
    around = jumps(zone)[index % len(jumps(zone))] if jumps(zone) else date(2020, 1, 1)
    at = datetime(around.year, around.month, around.day, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    day = local_day(at, zone, hour)
    assert day_end(day, zone, hour) > at
    assert_day_ends_well(day, zone, hour)


@pytest.mark.parametrize(
    ("day", "zone", "hour", "end"),
    [
        (date(2026, 5, 4), "America/New_York", 4, "2026-05-05T08:00:00+00:00"),
        (date(2026, 3, 7), "America/New_York", 4, "2026-03-08T08:00:00+00:00"),
        # 02:00 is skipped: the day ends when the clock jumps.
        (date(2026, 3, 7), "America/New_York", 2, "2026-03-08T07:00:00+00:00"),
        # 01:00 comes twice, and the day does not come back.
        (date(2026, 10, 31), "America/New_York", 1, "2026-11-01T05:00:00+00:00"),
        # 02:00 comes twice, and between them the day does come back.
        (date(2026, 10, 24), "Antarctica/Troll", 2, "2026-10-25T02:00:00+00:00"),
        # 30 December 2011 was skipped.
        (date(2011, 12, 29), "Pacific/Apia", 4, "2011-12-30T10:00:00+00:00"),
        (date(2011, 12, 30), "Pacific/Apia", 4, "2011-12-30T14:00:00+00:00"),
        # Midnight is skipped.
        (date(2023, 4, 27), "Africa/Cairo", 0, "2023-04-27T22:00:00+00:00"),
    ],
)
def test_known_ends(day: date, zone: str, hour: int, end: str) -> None:
    assert day_end(day, zone, hour).isoformat() == end


def test_the_hours_come_off_the_wall_time() -> None:
    assert wall_day(datetime(2026, 3, 8, 3, 30, tzinfo=ZoneInfo("America/New_York")), 4) == date(2026, 3, 7)
    assert local_day(datetime(2026, 3, 8, 8, 15, tzinfo=UTC), "America/New_York", 4) == date(2026, 3, 8)


def test_noon_is_noon_and_now_is_aware() -> None:
    assert noon(date(2026, 3, 8), "America/New_York").isoformat() == "2026-03-08T16:00:00+00:00"
    assert utcnow().utcoffset() == timedelta(0)


def at(said: str) -> datetime:
    return datetime.fromisoformat(said)


@pytest.mark.parametrize(
    ("zone", "wall", "after", "instant"),
    [
        ("America/New_York", "20:00", "2026-05-04T19:59:59-04:00", "2026-05-04T20:00-04:00"),
        ("America/New_York", "20:00", "2026-05-04T20:00-04:00", "2026-05-05T20:00-04:00"),
        ("Asia/Kathmandu", "00:00", "2026-05-04T23:59+05:45", "2026-05-05T00:00+05:45"),
        # Skipped: when the clock jumps.
        ("America/New_York", "02:30", "2026-03-08T00:00-05:00", "2026-03-08T03:00-04:00"),
        ("America/New_York", "02:00", "2026-03-08T00:00-05:00", "2026-03-08T03:00-04:00"),
        ("America/New_York", "03:00", "2026-03-08T00:00-05:00", "2026-03-08T03:00-04:00"),
        ("America/Santiago", "00:30", "2026-09-05T23:00-04:00", "2026-09-06T01:00-03:00"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04T00:00+10:30", "2026-10-04T02:30+11:00"),
        # Shown twice: the first.
        ("America/New_York", "01:30", "2026-11-01T00:00-04:00", "2026-11-01T01:30-04:00"),
        ("America/New_York", "01:30", "2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"),
        ("America/New_York", "01:30", "2026-11-01T01:30-05:00", "2026-11-02T01:30-05:00"),
        ("America/Santiago", "23:30", "2026-04-04T22:00-03:00", "2026-04-04T23:30-03:00"),
        ("Australia/Lord_Howe", "01:45", "2026-04-05T00:00+11:00", "2026-04-05T01:45+11:00"),
        # There was no 30 December 2011 in Apia.
        ("Pacific/Apia", "20:00", "2011-12-29T21:00-10:00", "2011-12-31T20:00+14:00"),
        ("Pacific/Apia", "00:00", "2011-12-29T21:00-10:00", "2011-12-31T00:00+14:00"),
    ],
)
def test_the_next_time_by_a_wall_clock(zone: str, wall: str, after: str, instant: str) -> None:
    assert next_instant_of(time.fromisoformat(wall), zone, at(after)) == at(instant)


@given(
    zone=st.sampled_from(JUMPY),
    wall=st.times().map(lambda wall: wall.replace(second=0, microsecond=0)),
    after=st.integers(0, 8 * 365 * 86_400).map(lambda seconds: SINCE + seconds * SECOND),
)
def test_once_a_date_and_never_early(zone: str, wall: time, after: datetime) -> None:
    """From one to the next it is another date, the next but where the clock skips a whole one."""
    first = next_instant_of(wall, zone, after)
    second = next_instant_of(wall, zone, first)
    assert after < first < second
    assert first - after <= timedelta(hours=27)
    shown, then = (instant.astimezone(ZoneInfo(zone)) for instant in (first, second))
    assert then.date() - shown.date() == DAY
    assert shown.time() >= wall
    if shown.time() != wall:
        assert (first - SECOND).astimezone(ZoneInfo(zone)).time() < wall
