"""The dead-man's ping: each minute in which nothing is late, once, and never a word of anybody."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from server.extensions import Parts, db
from server.jobs import JOBS, tick
from server.services.raising import raise_findings
from server.settings import Settings
from server.worker import work
from tests.attacks.conftest import lines as lines  # noqa: PLC0414  # a fixture
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors, finding
from tests.log_net import Lines
from tests.push_services import Service, listening

MINUTE = timedelta(minutes=1)
PATH = "/ping/a-secret-of-ours?host=a"
WAITING = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'ping_deadman'"


@pytest.fixture
def watcher(app: Flask, settings: Settings, clock: Clock) -> Iterator[Service]:
    """Who raises the alarm when nothing comes."""
    with listening(Service()) as service:
        told = replace(settings, deadman_url=service.url + PATH)
        app.extensions["interlude"] = Parts(told, clock, lambda _: None)
        yield service


def beat(name: str, clock: Clock) -> int | None:
    return tick(next(job for job in JOBS if job.name == name), MINUTE, clock())


def work_off(app: Flask) -> None:
    asyncio.run(work(app, 1, wait=False))
    db.session.rollback()


def a_minute(app: Flask, clock: Clock) -> None:
    """The scheduler ticks, and a worker does all that there is to do."""
    clock.pass_by(minutes=1)
    beat("assess", clock)
    beat("ping_deadman", clock)
    work_off(app)


def test_all_is_well_each_minute(app: Flask, actors: Actors, clock: Clock, watcher: Service) -> None:
    for minutes in range(1, 4):
        a_minute(app, clock)
        assert [request.path for request in watcher.received] == [PATH] * minutes
    assert {request.body for request in watcher.received} == {b""}
    assert one("SELECT count(*) FROM procrastinate_jobs") == 0


def test_without_the_setting_nobody_is_pinged(app: Flask, actors: Actors, clock: Clock, settings: Settings) -> None:
    beat("assess", clock)
    assert beat("ping_deadman", clock) == 0
    assert one(WAITING) == 0


def test_no_ping_while_assessments_are_late(
    app: Flask, actors: Actors, clock: Clock, watcher: Service, lines: Lines
) -> None:
    clock.at = one("SELECT due_at FROM watch") + timedelta(minutes=16, seconds=1)
    beat("assess", clock)
    assert beat("ping_deadman", clock) == 0
    assert any('"late": ["assessment"]' in line for line in lines.said)
    # A minute later they are done.
    a_minute(app, clock)
    assert watcher.received == []
    a_minute(app, clock)
    assert len(watcher.received) == 1


def test_no_ping_while_a_mail_is_late(app: Flask, actors: Actors, clock: Clock, watcher: Service) -> None:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    change("DELETE FROM procrastinate_jobs; UPDATE alert_email SET due_at = due_at + interval '1 year'")
    clock.pass_by(minutes=16)
    a_minute(app, clock)
    assert watcher.received == []
    change("UPDATE alert_email SET state = 'undeliverable'")
    a_minute(app, clock)
    assert len(watcher.received) == 1


def test_no_ping_when_the_scheduler_says_nothing_of_who_is_due(
    app: Flask, actors: Actors, clock: Clock, watcher: Service
) -> None:
    beat("assess", clock)
    clock.pass_by(minutes=4, seconds=1)
    assert beat("ping_deadman", clock) == 0
    beat("assess", clock)
    clock.pass_by(minutes=1)
    assert beat("ping_deadman", clock) == 1


def test_while_no_worker_is_there_one_ping_waits_and_then_none_is_made(
    app: Flask, actors: Actors, clock: Clock, watcher: Service
) -> None:
    made = []
    for _ in range(3):
        beat("assess", clock)
        made.append(beat("ping_deadman", clock))
        clock.pass_by(minutes=1)
    assert (made, one(WAITING), watcher.received) == ([1, 0, 0], 1, [])


def test_a_worker_that_finds_something_late_keeps_silent(
    app: Flask, actors: Actors, clock: Clock, watcher: Service
) -> None:
    """The ping was made while all was well; the scheduler has died since."""
    beat("assess", clock)
    assert beat("ping_deadman", clock) == 1
    clock.pass_by(minutes=4, seconds=1)
    work_off(app)
    assert (one(WAITING), watcher.received) == (0, [])


def test_no_ping_while_the_queue_is_late(app: Flask, actors: Actors, clock: Clock, watcher: Service) -> None:
    beat("assess", clock)
    beat("retry_stalled", clock)
    change("UPDATE procrastinate_events SET at = at - interval '11 minutes'")
    assert beat("ping_deadman", clock) == 0


def test_it_comes_behind_the_assessments(app: Flask, actors: Actors, clock: Clock, watcher: Service) -> None:
    beat("assess", clock)
    clock.at = one("SELECT due_at FROM watch")
    assert beat("ping_deadman", clock) == 0  # the last tick was hours ago
    beat("assess", clock)
    clock.pass_by(minutes=1)
    assert beat("ping_deadman", clock) == 1
    order = rows("SELECT task_name FROM procrastinate_jobs ORDER BY priority DESC, id")
    assert order == [("assess",), ("ping_deadman",)]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_one_that_fails_is_logged_and_not_repeated(
    app: Flask, actors: Actors, clock: Clock, watcher: Service, lines: Lines, status: int
) -> None:
    watcher.answers = [(status, {"Location": f"{watcher.url}/elsewhere"}, b"")]
    a_minute(app, clock)
    work_off(app)
    assert [request.path for request in watcher.received] == [PATH]
    assert any(f'"refusal": "HTTP {status}"' in line for line in lines.said)
    assert not any("a-secret-of-ours" in line for line in lines.said)


def test_nobody_is_there(
    app: Flask, actors: Actors, clock: Clock, settings: Settings, lines: Lines, watcher: Service
) -> None:
    app.extensions["interlude"] = Parts(replace(settings, deadman_url="http://127.0.0.1:9/x"), clock, lambda _: None)
    a_minute(app, clock)
    assert any('"refusal": "NewConnectionError"' in line for line in lines.said)
    assert one("SELECT count(*) FROM procrastinate_jobs") == 0
