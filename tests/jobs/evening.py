"""The evening on which phones are reminded, and what happens on it."""

import asyncio
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.jobs import JOBS, tick
from server.worker import work
from tests.conftest import Clock
from tests.factories import Actors, check_in_body, new_id, signed_in

MINUTE = timedelta(minutes=1)
REMIND = next(job for job in JOBS if job.name == "remind")
QUEUED = "SELECT task_name, attempts, status::text FROM procrastinate_jobs ORDER BY id"
EVENING = datetime(2026, 5, 5, 0, 0, tzinfo=UTC)
"""20:00 of 4 May in New York."""
FCM = "dQw4w9WgXcQ:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ"


def run(app: Flask, clock: Clock) -> None:
    """A tick, and the worker until the queue is empty."""
    tick(REMIND, MINUTE, clock())
    asyncio.run(work(app, 1, wait=False))
    db.session.rollback()


def check_in(app: Flask, client: FlaskClient, actors: Actors, at: datetime) -> None:
    answer = client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(at), headers=signed_in(app, actors.ada))
    assert answer.status_code == 201
