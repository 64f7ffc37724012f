"""The worker itself, in this process: from a check-in to the sent email."""

import asyncio
import uuid
from datetime import timedelta
from email.message import EmailMessage

from flask import Flask

from server.errors import MailRefused
from server.extensions import Parts, db
from server.jobs import JOBS, tick
from server.worker import work
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors
from tests.services.test_watch import check_in

MINUTE = timedelta(minutes=1)


def run(app: Flask, clock: Clock, *names: str) -> None:
    """A tick of each, then the worker until the queue is empty."""
    for name in names:
        tick(next(job for job in JOBS if job.name == name), MINUTE, clock())
    asyncio.run(work(app, 1, wait=False))
    db.session.rollback()


def test_a_severe_check_in_reaches_the_clinician(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    check_in(actors.ada, clock, craving=9.5)
    run(app, clock, "assess")
    (mail,) = outbox
    assert mail["To"] == "bob@clinic.example"
    alert = one("SELECT id FROM alert")
    assert f"http://127.0.0.1:8000/alerts/{alert}" in mail.as_string()
    assert rows("SELECT state, sent_at, attempts FROM alert_email") == [("sent", clock(), 1)]
    assert rows("SELECT * FROM procrastinate_jobs") == []
    clock.pass_by(minutes=1)
    run(app, clock, "assess", "deliver", "retry_stalled")
    assert len(outbox) == 1


def test_what_the_mail_server_puts_off_is_brought_back_by_the_tick(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    refusals = [MailRefused("SMTP 421", lasting=False), MailRefused("SMTP 451", lasting=False)]

    def send(message: EmailMessage) -> None:
        if refusals:
            raise refusals.pop()
        outbox.append(message)

    app.extensions["interlude"] = Parts(app.extensions["interlude"].settings, clock, send)
    check_in(actors.ada, clock, craving=9.5)
    run(app, clock, "assess")
    for minutes in range(5):
        assert bool(outbox) == (minutes >= 2)
        clock.pass_by(minutes=1)
        run(app, clock, "deliver")
    assert len(outbox) == 1
    assert rows("SELECT state, attempts, last_error FROM alert_email") == [("sent", 3, None)]


def test_a_sender_that_dies_of_something_else_is_tried_again_after_its_lease(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    faults = [ValueError("something nobody thought of")]

    def send(message: EmailMessage) -> None:
        if faults:
            raise faults.pop()
        outbox.append(message)

    app.extensions["interlude"] = Parts(app.extensions["interlude"].settings, clock, send)
    check_in(actors.ada, clock, craving=9.5)
    run(app, clock, "assess")
    assert rows("SELECT state FROM alert_email") == [("queued",)]
    change("UPDATE alert_email SET claimed_until = now() - interval '1 second'")
    clock.pass_by(minutes=11)
    run(app, clock, "deliver")
    assert len(outbox) == 1


def test_the_job_of_a_worker_that_died_runs_again(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    """As a killed worker leaves it: the job is being done by one whose heartbeat stopped."""
    check_in(actors.ada, clock, craving=9.5)
    tick(next(job for job in JOBS if job.name == "assess"), MINUTE, clock())
    change("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '10 minutes')")
    change(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
        " WHERE task_name = 'assess'"
    )
    run(app, clock)
    assert outbox == []
    run(app, clock, "retry_stalled")
    assert len(outbox) == 1


def test_one_job_for_a_patient_who_is_gone_harms_nobody(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    check_in(actors.ada, clock, craving=9.5)
    tick(next(job for job in JOBS if job.name == "assess"), MINUTE, clock())
    change(
        "UPDATE procrastinate_jobs"
        " SET args = jsonb_set(args, '{patient_ids}', jsonb_build_array(CAST(:gone AS text)) || (args->'patient_ids'))",
        gone=str(uuid.uuid4()),
    )
    run(app, clock)
    assert len(outbox) == 1
