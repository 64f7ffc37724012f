"""What the scheduler notices when it comes back: from when until when nobody may have reached us."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from server.extensions import db
from server.jobs import JOBS, tick
from server.jobs.assessing import assess_all
from server.jobs.upkeep import KEEP_RUNS
from server.services.outages import LONGEST_GAP
from server.settings import Settings
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, one, refusing, rows
from tests.factories import Actors
from tests.services.test_watch import check_in

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
ASSESS, FORGET = (next(job for job in JOBS if job.name == name) for name in ("assess", "forget_old_runs"))


def recorded() -> list[tuple[datetime, datetime, str]]:
    return [tuple(row) for row in rows("SELECT began_at, ended_at, source FROM outage ORDER BY began_at")]


def test_a_long_gap_between_ticks_is_an_outage(app: Flask, clock: Clock) -> None:
    tick(ASSESS, MINUTE, clock())
    assert recorded() == []  # the first tick ever
    clock.pass_by(seconds=LONGEST_GAP.total_seconds())
    tick(ASSESS, MINUTE, clock())
    assert recorded() == []
    last = clock()
    clock.pass_by(seconds=LONGEST_GAP.total_seconds() + 1)
    tick(ASSESS, MINUTE, clock())
    assert recorded() == [(last, clock(), "scheduler")]
    for _ in range(3):
        clock.pass_by(minutes=1)
        tick(ASSESS, MINUTE, clock())
    assert len(recorded()) == 1


def test_other_jobs_are_no_sign_of_it(app: Flask, clock: Clock) -> None:
    tick(FORGET, MINUTE, clock())
    clock.pass_by(days=1)
    tick(FORGET, MINUTE, clock())
    tick(ASSESS, MINUTE, clock())
    assert recorded() == []


def test_two_schedulers_that_come_back_at_once_record_one(app: Flask, clock: Clock) -> None:
    tick(ASSESS, MINUTE, clock())
    last = clock()
    clock.pass_by(days=2)
    at = clock()
    # Of one period one of them runs; of two periods both do, and neither may know of the other.
    concurrently(app, *[lambda later=later: tick(ASSESS, MINUTE, at + later * MINUTE) for later in (0, 0, 1, 2)])
    assert [(began_at, source) for began_at, _, source in recorded()] == [(last, "scheduler")]


def test_where_check_ins_came_in_the_scheduler_alone_was_down(actors: Actors, clock: Clock) -> None:
    tick(ASSESS, MINUTE, clock())
    for _ in range(12):
        clock.pass_by(hours=5)
        check_in(actors.ada, clock)
    clock.pass_by(hours=5)
    tick(ASSESS, MINUTE, clock())
    assert recorded() == []


def test_a_gap_is_cut_where_check_ins_came_in(actors: Actors, clock: Clock) -> None:
    start = clock()
    tick(ASSESS, MINUTE, start)
    for hours in (5, 13.3, 0.2, 0.2, 5):
        clock.pass_by(hours=hours)
        check_in(actors.ada, clock)
    clock.pass_by(hours=24)
    tick(ASSESS, MINUTE, clock())
    hour = timedelta(hours=1)
    assert recorded() == [
        (start + 5 * hour, start + 18.3 * hour, "scheduler"),
        (start + 23.7 * hour, clock(), "scheduler"),
    ]


def test_what_is_replayed_came_from_no_phone(actors: Actors, clock: Clock) -> None:
    change("UPDATE clinic SET live = false")
    tick(ASSESS, MINUTE, clock())
    start = clock()
    clock.pass_by(hours=5)
    check_in(actors.ada, clock)
    clock.pass_by(hours=5)
    tick(ASSESS, MINUTE, clock())
    assert recorded() == [(start, clock(), "scheduler")]


def test_the_newest_run_is_never_forgotten(app: Flask, clock: Clock) -> None:
    tick(ASSESS, MINUTE, clock() - MINUTE)
    tick(ASSESS, MINUTE, clock())
    start = clock()
    clock.pass_by(days=2 * KEEP_RUNS.days)
    tick(FORGET, timedelta(days=1), clock())
    assert rows("SELECT period FROM job_run WHERE job = 'assess'") == [(start,)]
    tick(ASSESS, MINUTE, clock())
    assert recorded() == [(start, clock(), "scheduler")]


def test_who_was_silent_through_an_outage_is_not_told(actors: Actors, clock: Clock) -> None:
    for _ in range(14 * 4):
        if clock().hour == 20:
            check_in(actors.ada, clock)
        assess_all([actors.ada.id], clock())
        tick(ASSESS, MINUTE, clock())
        clock.pass_by(hours=6)
    assert recorded() == []
    clock.pass_by(days=10)
    assert tick(ASSESS, MINUTE, clock()) == 1  # due since the day that was the last
    assert assess_all([actors.ada.id], clock()) == 1
    assert len(recorded()) == 1
    assert rows("SELECT * FROM alert") == []


def test_an_outage_that_cannot_be_recorded_leaves_the_tick_to_the_next(
    app: Flask, actors: Actors, clock: Clock, settings: Settings
) -> None:
    tick(ASSESS, MINUTE, clock())
    clock.pass_by(days=1)
    check_in(actors.ada, clock)
    clock.pass_by(days=1)
    with refusing(settings, "outage", "false"):
        with pytest.raises(IntegrityError):
            tick(ASSESS, MINUTE, clock())
        db.session.rollback()
    assert (one("SELECT count(*) FROM job_run"), recorded()) == (1, [])
    assert tick(ASSESS, MINUTE, clock()) == 1
    assert len(recorded()) == 2
