"""Outages: which local days they make unknown, in every zone, and what that does to a silence."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from server.clock import local_day
from server.extensions import db
from server.jobs.assessing import assess_all
from server.services import identities, outages, profiles
from server.services.outages import unknown_days
from server.services.own_days import ENOUGH, always
from server.services.records import record_of
from server.trends import Thresholds
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors
from tests.services.test_passing_over import another, wait_for_a_lock
from tests.services.test_rules_in_watch import days, told
from tests.test_clock import JUMPY
from tests.trends.standings import stand


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


NEW_YORK, HOUR, DAY = "America/New_York", timedelta(hours=1), timedelta(days=1)

# name, zone, spans, the days of the month that are unknown
DAYS: list[tuple[str, str, list[tuple[str, str]], list[int]]] = [
    ("a morning", NEW_YORK, [("2026-05-04T08:00-04:00", "2026-05-04T12:00-04:00")], [4]),
    ("not quite a morning", NEW_YORK, [("2026-05-04T08:00-04:00", "2026-05-04T11:59-04:00")], []),
    ("an evening", NEW_YORK, [("2026-05-04T20:00-04:00", "2026-05-05T00:00-04:00")], [4]),
    ("a whole night", NEW_YORK, [("2026-05-04T21:00-04:00", "2026-05-05T11:00-04:00")], []),
    (
        "a night in New York is a day in Tokyo",
        "Asia/Tokyo",
        [("2026-05-04T21:00-04:00", "2026-05-05T08:00-04:00")],
        [5],
    ),
    ("from evening to noon", NEW_YORK, [("2026-05-04T19:00-04:00", "2026-05-05T12:00-04:00")], [4, 5]),
    ("three days", NEW_YORK, [("2026-05-04T10:00-04:00", "2026-05-07T10:00-04:00")], [4, 5, 6]),
    (
        "two short ones of one day",
        NEW_YORK,
        [("2026-05-04T09:00-04:00", "2026-05-04T11:00-04:00"), ("2026-05-04T18:00-04:00", "2026-05-04T20:00-04:00")],
        [4],
    ),
    (
        "two that overlap are told once",
        NEW_YORK,
        [("2026-05-04T09:00-04:00", "2026-05-04T12:00-04:00"), ("2026-05-04T10:00-04:00", "2026-05-04T12:30-04:00")],
        [],
    ),
    (
        "one within another",
        NEW_YORK,
        [("2026-05-04T09:00-04:00", "2026-05-04T12:30-04:00"), ("2026-05-04T10:00-04:00", "2026-05-04T11:00-04:00")],
        [],
    ),
    # The clock went to summer time in that night: 08:00 there was 07:00 UTC, and 08:00 UTC the day before.
    ("the night of a jump", "Europe/London", [("2026-03-28T23:00Z", "2026-03-29T11:00Z")], [29]),
    ("and an hour less of it", "Europe/London", [("2026-03-28T23:00Z", "2026-03-29T10:00Z")], []),
    ("the same in winter", "Europe/London", [("2026-03-27T23:00Z", "2026-03-28T11:00Z")], []),
    ("midnight is skipped", "Africa/Cairo", [("2023-04-27T18:00Z", "2023-04-27T22:00Z")], [27]),
    ("an hour more of an autumn day", "Africa/Cairo", [("2023-10-26T18:00Z", "2023-10-26T22:00Z")], [26]),
    ("a day that is not", "Pacific/Apia", [("2011-12-30T09:00Z", "2011-12-30T14:00Z")], []),
]


@pytest.mark.parametrize(("zone", "spans", "unknown"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_the_days_that_are_unknown(zone: str, spans: list[tuple[str, str]], unknown: list[int]) -> None:
    found = unknown_days([(at(began), at(ended)) for began, ended in spans], always(zone))
    assert sorted(day.day for day in found) == unknown


@given(
    zone=st.sampled_from(JUMPY),
    start=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # made aware below
    hours=st.integers(1, 100),
    starts_at=st.integers(0, 8),
)
def test_a_day_is_unknown_by_the_hours_that_it_lost(zone: str, start: datetime, hours: int, starts_at: int) -> None:
    began = start.replace(tzinfo=UTC)
    touched = {local_day(began + hour * HOUR, zone, starts_at) for hour in range(hours)} | {
        local_day(began + hours * HOUR, zone, starts_at)
    }
    found = unknown_days([(began, began + hours * HOUR)], always(zone))
    # A day that a zone skipped whole is nobody's; it may be named.
    assert all(day in touched or day + DAY in touched for day in found)
    if hours < ENOUGH // HOUR:
        assert found == frozenset()
    # Whatever lies two days within it was lost whole.
    first, last = local_day(began, zone, starts_at), local_day(began + hours * HOUR, zone, starts_at)
    within = {first + timedelta(days=index) for index in range(2, (last - first).days - 1)}
    assert within <= found
    halves = [(began, began + hours * HOUR / 2), (began + hours * HOUR / 2, began + hours * HOUR)]
    assert unknown_days(halves, always(zone)) == found


def record(began: str, ended: str, clock: Clock) -> None:
    outages.record_outage(at(began), at(ended), clock())
    db.session.commit()


def test_days_of_an_outage_are_left_out_of_a_silence(actors: Actors, clock: Clock) -> None:
    days(actors.ada, clock, "x" * 14 + "  ")  # silent on 18 and 19 May
    clock.pass_by(days=1)  # nobody looked on the 20th either
    record("2026-05-20T06:00-04:00", "2026-05-20T14:00-04:00", clock)
    assert record_of(actors.ada, clock()).outages == {date(2026, 5, 20)}
    days(actors.ada, clock, " " * 2)
    assert told("gone_silent") == []
    days(actors.ada, clock, " ")
    assert told("gone_silent") == [("raised", "routine", date(2026, 5, 23))]
    assert one("SELECT sentence FROM alert") == (
        "No check-in for 5 days (1 day of our own outage left out), since 17 May; "
        "this patient checked in on 14 of 14 days before."
    )


def test_one_that_is_recorded_afterwards_is_looked_at_by_the_end_of_the_day(
    app: Flask, actors: Actors, clock: Clock
) -> None:
    days(actors.ada, clock, "x" * 14 + " " * 5)
    alert_id = one("SELECT id FROM alert")
    record("2026-05-19T06:00-04:00", "2026-05-21T14:00-04:00", clock)
    # Nobody need be made due: everybody is, when the local day is over.
    assert one("SELECT due_at FROM watch") <= clock() + DAY
    clock.pass_by(days=1)
    assert assess_all([actors.ada.id], clock()) == 1
    assert [kind for kind, _, _ in told("gone_silent")] == ["raised", "superseded"]
    result = app.test_cli_runner().invoke(args=["explain", str(alert_id)])
    assert result.exit_code == 1
    assert "Today the rule gone_silent finds nothing on 2026-05-22." in result.output
    assert "2026-05-20 is now known as a day of our own outage." in result.output
    assert "2026-05-18 is now known" not in result.output
    assert "2026-05-20    our own outage *" in result.output


def test_an_outage_is_every_clinics_but_no_replays(actors: Actors, clock: Clock) -> None:
    clock.pass_by(days=3)
    record("2026-05-05T06:00-04:00", "2026-05-05T14:00-04:00", clock)
    assert record_of(actors.ada, clock()).outages == {date(2026, 5, 5)}
    change("UPDATE zone_change SET zone = 'Pacific/Honolulu'")
    db.session.expire_all()
    assert record_of(actors.ada, clock()).outages == frozenset()  # midnight to 08:00 there
    change("UPDATE zone_change SET zone = 'America/New_York'; UPDATE clinic SET live = false")
    db.session.expire_all()
    assert record_of(actors.ada, clock()).outages == frozenset()


def test_a_day_of_an_outage_stays_the_day_that_it_was_wherever_the_patient_goes(actors: Actors, clock: Clock) -> None:
    clock.pass_by(days=3)
    record("2026-05-05T08:00-04:00", "2026-05-05T14:00-04:00", clock)  # in the evening and at night in Tokyo
    profiles.change_own(identities.of_patient(actors.ada), {"zone": "Asia/Tokyo"}, clock())
    db.session.commit()
    assert record_of(actors.ada, clock()).outages == {date(2026, 5, 5)}
    clock.pass_by(days=3)
    record("2026-05-10T08:00+09:00", "2026-05-10T14:00+09:00", clock)
    assert record_of(actors.ada, clock()).outages == {date(2026, 5, 5), date(2026, 5, 10)}
    assess_all([actors.ada.id], clock())
    db.session.rollback()
    kept = rows("SELECT standing FROM watch WHERE patient_id = :id", id=actors.ada.id)
    assert kept == [(stand([record_of(actors.ada, clock())], Thresholds()).packed(),)]


def test_of_before_the_patient_nothing_is_read(actors: Actors, clock: Clock) -> None:
    clock.pass_by(days=3)
    record("2026-04-20T06:00-04:00", "2026-04-20T23:00-04:00", clock)
    record("2026-05-03T23:00-04:00", "2026-05-04T23:00-04:00", clock)
    assert record_of(actors.ada, clock()).outages == {date(2026, 5, 4)}
    change("UPDATE patient SET monitored_from = NULL")
    db.session.expire_all()
    assert record_of(actors.ada, clock()).outages == frozenset()
    assert len(rows("SELECT * FROM outage")) == 2


def test_two_who_record_the_same_outages_in_another_order_do_not_wait_for_each_other(
    app: Flask, actors: Actors, clock: Clock
) -> None:
    """A tick that finds two, and somebody who records the second by hand meanwhile."""

    def down(hours_ago: int) -> bool:
        began_at = clock() - timedelta(hours=hours_ago)
        return outages.record_outage(began_at, began_at + timedelta(hours=7), clock())

    with another(app, actors) as tick, another(app, actors) as operator:
        assert tick.submit(down, 30).result()
        by_hand = operator.submit(down, 20)
        wait_for_a_lock("the operator")
        assert tick.submit(down, 20).result()
        tick.submit(db.session.commit).result()
        assert by_hand.result() is False
    assert one("SELECT count(*) FROM outage") == 2
