"""S10: what is kept carries a mark, and everything is made to fail: the mark is in no line, error, mail or job."""

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.api import problems
from server.app import create_app
from server.extensions import Parts, db
from server.jobs.assessing import assess_all
from server.mail import Smtp
from server.services import alerts, watch
from server.settings import Settings
from server.worker import work
from tests.api.problem import assert_problem
from tests.attacks.clean import assert_clean
from tests.conftest import Clock
from tests.database import one, refusing, rows
from tests.e2e.programs import Program
from tests.e2e.system import PATIENCE_SECONDS, check_log
from tests.factories import CANARY, ODD, Actors, check_in_body, course_body, environment_for, new_id, signed_in
from tests.log_net import Lines
from tests.mail.conftest import Mailbox, Server
from tests.web.conftest import enter


def store(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    """The mark in all that is kept."""
    bob, ada = signed_in(app, actors.bob), signed_in(app, actors.ada)
    member = {"role": "clinician", "name": ODD.replace("\r\n", ""), "email": "x@y.example", "password": CANARY * 2}
    client.post("/v1/members", json=member, headers=signed_in(app, actors.alice_admin))
    client.patch(f"/v1/patients/{actors.ada.id}", json={"reference": CANARY}, headers=bob)
    course = course_body(protocol=CANARY)
    assert client.post(f"/v1/patients/{actors.ada.id}/courses", json=course, headers=bob).status_code == 201
    said = check_in_body(clock(), craving=9.5, note=ODD, self_harm_thoughts="yes", form_version=CANARY)
    assert client.put(f"/v1/check-ins/{new_id()}", json=said, headers=ada).status_code == 201
    actors.bob.name = CANARY
    db.session.commit()


def deliver_all(app: Flask, actors: Actors, clock: Clock) -> None:
    assess_all([actors.ada.id], clock())
    db.session.commit()
    asyncio.run(work(app, 1, wait=False))
    db.session.rollback()


def kept_aside() -> str:
    """What lies in the queue, and what is kept of errors."""
    return str(rows("SELECT args FROM procrastinate_jobs")) + str(
        [*rows("SELECT last_error FROM alert_email"), *rows("SELECT error FROM watch")]
    )


def test_what_is_kept_reaches_no_mail_no_queue_and_no_line(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, outbox: list[EmailMessage], lines: Lines
) -> None:
    store(app, client, actors, clock)
    assert rows("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'deliver'")
    assert CANARY not in kept_aside()
    deliver_all(app, actors, clock)
    assert len(outbox) >= 1
    assert all(CANARY not in mail.as_string() for mail in outbox)
    for url in ("/healthz", "/readyz"):
        assert CANARY not in client.get(url).get_data(as_text=True)
    enter(client, actors.bob, clock)
    alert = one("SELECT id FROM alert WHERE rule = 'safety_concern'")
    assert client.get(f"/alerts/{alert}").status_code == 200


def test_a_mail_server_that_repeats_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, settings: Settings, lines: Lines
) -> None:
    store(app, client, actors, clock)
    mailbox = Mailbox()
    mailbox.rcpt = f"550 no such user {CANARY} bob@clinic.example"
    server = Server(mailbox)
    server.start()
    try:
        send = Smtp("127.0.0.1", server.port, "none", "", "")
        app.extensions["interlude"] = Parts(settings, clock, send)
        deliver_all(app, actors, clock)
    finally:
        server.stop()
    assert set(rows("SELECT last_error FROM alert_email")) == {("SMTP 550",)}
    assert CANARY not in kept_aside()
    assert any('"refusal": "SMTP 550"' in line for line in lines.said)


def test_a_job_that_breaks_with_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, settings: Settings, lines: Lines
) -> None:
    def broken(message: EmailMessage) -> None:
        raise ValueError(f"{CANARY} {message}")

    store(app, client, actors, clock)
    app.extensions["interlude"] = Parts(settings, clock, broken)
    deliver_all(app, actors, clock)
    assert CANARY not in kept_aside()
    assert any('"job": "deliver"' in line and "ValueError at" in line for line in lines.said)


def broken(*_: object, **__: object) -> None:
    raise ValueError(CANARY)


def test_an_assessment_that_breaks_with_it(
    client: FlaskClient, actors: Actors, clock: Clock, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "assess_each", broken)
    assess_all([actors.ada.id], clock.at.replace(year=2027))
    assert rows("SELECT error FROM watch WHERE failures > 0") == [("ValueError",)]
    assert CANARY not in client.get("/readyz").get_data(as_text=True)
    assert any("an assessment failed" in line and "ValueError at" in line for line in lines.said)


def test_a_database_that_quotes_the_row(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, settings: Settings, lines: Lines
) -> None:
    """PostgreSQL's DETAIL: Failing row contains (...)."""
    said, headers = check_in_body(clock(), form_version=CANARY), signed_in(app, actors.ada)
    db.session.rollback()
    with refusing(settings, "check_in", f"form_version <> '{CANARY}'"):
        answer = client.put(f"/v1/check-ins/{new_id()}", json=said, headers=headers)
    assert_problem(answer, 500)
    assert_clean(answer)
    assert any("a request broke" in line and "IntegrityError at" in line for line in lines.said)


def test_a_service_that_breaks_with_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "get_alert", broken)
    answer = client.get(f"/v1/alerts/{new_id()}", headers=signed_in(app, actors.bob))
    assert_problem(answer, 500)
    assert_clean(answer)
    enter(client, actors.bob, clock)
    assert_clean(client.get(f"/alerts/{new_id()}"), status=500)
    assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_template_that_breaks_with_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(app, client, actors, clock)
    monkeypatch.setitem(app.jinja_env.filters, "local_time", broken)
    enter(client, actors.bob, clock)
    alert = one("SELECT id FROM alert WHERE rule = 'safety_concern'")
    assert_clean(client.get(f"/alerts/{alert}"), status=500)


def test_the_answer_to_an_error_that_breaks_too(
    settings: Settings, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask's own last resort, which logs the path and the exception."""
    app = create_app(settings)
    monkeypatch.setattr(problems, "described", broken)
    monkeypatch.setitem(app.view_functions, "problem-pages.show_problem", broken)
    answer = app.test_client().get(f"/problems/{CANARY}")
    assert_clean(answer, status=500)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert any('"logger": "server"' in line and "log_exception" in line for line in lines.said)


def test_a_command_that_breaks_with_it(settings: Settings, actors: Actors, tmp_path: Path) -> None:
    environment = os.environ | environment_for(
        settings.database_url, settings.migration_database_url, ADMIN_PASSWORD=CANARY * 2
    )
    words = ("create-clinic", "--name", CANARY, "--zone", "America/New_York", "--admin-name", CANARY)
    log = tmp_path / "said"
    with refusing(settings, "clinic", f"name <> '{CANARY}'"):
        command = Program("flask", "", environment, log, *words, "--admin-email", "x@y.example")
        assert command.wait(PATIENCE_SECONDS) == 1
    said = log.read_text()
    assert "IntegrityError at" in said
    check_log(said)
