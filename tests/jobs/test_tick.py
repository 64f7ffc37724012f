"""A tick: any number of schedulers, one run a period."""

from datetime import UTC, datetime, timedelta

from flask import Flask

from server.jobs import JOBS, Job, tick
from server.scheduler import run_tick
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import Actors
from tests.services.test_watch import check_in

MINUTE = timedelta(minutes=1)
ASSESS = next(job for job in JOBS if job.name == "assess")
ENQUEUED = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'assess'"


def test_the_second_tick_of_a_period_does_nothing(actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock)
    assert tick(ASSESS, MINUTE, clock()) == 1
    for seconds in (0, 1, 58):
        assert tick(ASSESS, MINUTE, clock() + timedelta(seconds=seconds)) is None
    assert tick(ASSESS, MINUTE, clock() + MINUTE) == 0
    assert one(ENQUEUED) == 1
    assert rows("SELECT job, enqueued FROM job_run ORDER BY period") == [("assess", 1), ("assess", 0)]


def test_ten_schedulers_at_once_enqueue_once(app: Flask, actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock)
    at = clock()
    said = concurrently(app, *[lambda: tick(ASSESS, MINUTE, at)] * 10)
    assert sorted(said, key=str) == [1, *[None] * 9]
    assert (one(ENQUEUED), one("SELECT count(*) FROM job_run")) == (1, 1)


def test_a_run_that_fails_leaves_its_period_to_the_next(app: Flask, clock: Clock, actors: Actors) -> None:
    def fail(_: datetime) -> int:
        raise RuntimeError

    broken = Job("assess", None, fail)
    run_tick(app, broken, MINUTE, clock)
    assert rows("SELECT * FROM job_run") == []
    check_in(actors.ada, clock)
    run_tick(app, ASSESS, MINUTE, clock)
    assert one(ENQUEUED) == 1


def test_periods_are_the_same_for_every_scheduler(app: Flask, clock: Clock) -> None:
    for at in (datetime(2026, 5, 4, 20, 0, 59, 999_999, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC)):
        assert tick(ASSESS, MINUTE, at) == 0
    assert rows("SELECT period FROM job_run ORDER BY period") == [
        (datetime(1999, 1, 1, tzinfo=UTC),),
        (datetime(2026, 5, 4, 20, 0, tzinfo=UTC),),
    ]


def test_after_three_days_down_one_tick_catches_up(actors: Actors, clock: Clock) -> None:
    tick(ASSESS, MINUTE, clock())
    check_in(actors.ada, clock)
    clock.pass_by(days=3)
    assert tick(ASSESS, MINUTE, clock()) == 1
    assert one(ENQUEUED) == 1


def test_old_runs_are_forgotten_and_new_ones_kept(app: Flask, clock: Clock) -> None:
    forget = next(job for job in JOBS if job.name == "forget_old_runs")
    for days in (0, 29, 31, 62):
        tick(ASSESS, MINUTE, clock() - timedelta(days=days))
    assert tick(forget, timedelta(days=1), clock()) == 0
    kept = rows("SELECT period FROM job_run WHERE job = 'assess' ORDER BY period")
    assert kept == [(clock() - timedelta(days=29),), (clock(),)]


def test_names_are_unique() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
