"""R8: a machine whose clock is off decides nothing: it queues nothing, does no job, and is not ready."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

import server.clock
from server import worker
from server.app import create_app
from server.clock import utcnow
from server.extensions import db
from server.jobs import JOBS
from server.scheduler import run_tick
from server.services.machine_clock import FURTHEST
from tests.api.test_ops import NOWHERE
from tests.attacks.conftest import lines as lines  # noqa: PLC0414  # a fixture
from tests.conftest import Clock
from tests.database import one, rows
from tests.e2e.system import eventually
from tests.factories import Actors, settings_for
from tests.log_net import Lines
from tests.services.test_watch import check_in

MINUTE = timedelta(minutes=1)
ASSESS = next(job for job in JOBS if job.name == "assess")
SECOND = timedelta(seconds=1)
OFF = [timedelta(hours=1), timedelta(hours=-1), timedelta(days=365), timedelta(days=-365), FURTHEST + 5 * SECOND]
wrong = pytest.mark.parametrize("off", OFF, ids=str)


@contextmanager
def machine_is_off(by: timedelta) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(server.clock, "utcnow", lambda: utcnow() + by)
        yield


def work_off(app: Flask) -> None:
    asyncio.run(worker.work(app, 1, wait=False))


@wrong
def test_a_wrong_clock_does_nothing_and_whoever_has_a_right_one_does_it(
    app: Flask, actors: Actors, clock: Clock, lines: Lines, off: timedelta
) -> None:
    check_in(actors.ada, clock, craving=10)
    ada = "SELECT looked_at, due_at <= :now FROM watch WHERE patient_id = :id"
    with machine_is_off(off):
        run_tick(app, ASSESS, MINUTE, clock)
        assert rows("SELECT job FROM job_run") == []
        assert one("SELECT count(*) FROM procrastinate_jobs") == 0
    run_tick(app, ASSESS, MINUTE, clock)
    db.session.commit()
    with ThreadPoolExecutor(1) as somebody, machine_is_off(off):
        works = somebody.submit(work_off, app)
        eventually(lambda: any("no job is done" in line for line in lines.said) or works.done(), "it takes the job")
        assert rows(ada, now=clock(), id=actors.ada.id) == [(None, True)]
        assert one("SELECT count(*) FROM alert") == 0
        assert rows("SELECT status FROM procrastinate_jobs") == [("doing",)]
        # Another, whose clock is right, is given what that job was for.
        clock.pass_by(minutes=3)
        db.session.rollback()
        with machine_is_off(timedelta()):
            run_tick(app, ASSESS, MINUTE, clock)
            works.result()
    assert rows(ada, now=clock(), id=actors.ada.id) == [(clock(), False)]
    assert one("SELECT count(*) FROM alert") == 1


@wrong
def test_it_is_not_ready(client: FlaskClient, actors: Actors, off: timedelta) -> None:
    with machine_is_off(off):
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_little_off_is_no_matter(client: FlaskClient, actors: Actors) -> None:
    with machine_is_off(FURTHEST - 30 * SECOND):
        assert client.get("/readyz").status_code == 200


def test_a_worker_that_starts_by_a_wrong_clock_says_so_and_waits(
    app: Flask, actors: Actors, clock: Clock, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_in(actors.ada, clock)
    run_tick(app, ASSESS, MINUTE, clock)
    db.session.commit()
    monkeypatch.setattr(worker, "LONGEST_PAUSE", 3600.0)

    async def start() -> None:
        keeps_working = asyncio.create_task(worker._keep_working(app))
        while not any("no job is taken" in line for line in lines.said):
            await asyncio.sleep(0.01)
            assert not keeps_working.done()
        keeps_working.cancel()

    with machine_is_off(timedelta(days=365)):
        asyncio.run(start())
    assert any('"error": "WrongClock at ' in line for line in lines.said)
    assert rows("SELECT status FROM procrastinate_jobs") == [("todo",)]


def test_a_worker_that_starts_while_the_database_is_away_waits_too(lines: Lines) -> None:
    lost = create_app(settings_for(NOWHERE, NOWHERE))

    async def start() -> None:
        keeps_working = asyncio.create_task(worker._keep_working(lost))
        while not any("the queue cannot be reached" in line for line in lines.said):
            await asyncio.sleep(0.01)
            assert not keeps_working.done()
        keeps_working.cancel()

    asyncio.run(start())
