"""For whoever runs it: alive, ready, what is late; and what it says when the database is away."""

import yaml
from flask import Flask
from flask.testing import FlaskClient

from server.api.description import openapi_yaml
from server.app import create_app
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.attacks.things import Things
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change
from tests.factories import Actors, settings_for, signed_in

NOWHERE = "postgresql://interlude_app:wrong@/interlude?host=%2Fnowhere"


def test_all_is_quiet(client: FlaskClient, actors: Actors) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {
        "status": "ok",
        "late": ["scheduler"],
        "assessment_late_seconds": 0,
        "assessments_failing": 0,
        "emails_waiting": 0,
        "email_late_seconds": 0,
        "escalation_late_seconds": 0,
        "digest_late_seconds": 0,
        "member_mail_late_seconds": 0,
        "call_late_seconds": 0,
        "emails_undeliverable": 0,
        "alerts_without_recipient": 0,
        "job_late_seconds": 0,
        "workers": 0,
        "scheduler_silent_seconds": None,
    }


def test_what_is_late_or_lost_is_counted_in_a_200(client: FlaskClient, things: Things, clock: Clock) -> None:
    clock.pass_by(minutes=10)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["assessment_late_seconds"] == 600
    assert ready.get_json()["email_late_seconds"] == 600
    assert ready.get_json()["emails_waiting"] == 1
    change("UPDATE alert_email SET state = 'undeliverable'")
    change("UPDATE watch SET failures = 1 WHERE patient_id = :id", id=things.patient)
    ready = client.get("/readyz")
    assert (ready.get_json()["emails_waiting"], ready.get_json()["emails_undeliverable"]) == (0, 1)
    assert ready.get_json()["assessments_failing"] == 1
    change("DELETE FROM alert_email")
    assert client.get("/readyz").get_json()["alerts_without_recipient"] == 1


def test_what_is_late_on_an_alerts_way_is_said(client: FlaskClient, things: Things, clock: Clock) -> None:
    """Ada's urgent alert waits 15 minutes for Bob; the digests are due at 11:30 by UTC, in fifteen hours and a half."""
    clock.pass_by(minutes=15 + 6, seconds=1)
    said = client.get("/readyz").get_json()
    assert (said["escalation_late_seconds"], said["digest_late_seconds"]) == (361, 0)
    assert "escalation" in said["late"]
    assert "digest" not in said["late"]
    change("UPDATE alert SET escalate_at = NULL")
    clock.pass_by(hours=15.5 + 0.5)
    said = client.get("/readyz").get_json()
    assert said["escalation_late_seconds"] == 0
    assert said["digest_late_seconds"] == (15 + 6 + 30) * 60 + 1
    assert {"digest", "escalation"} & set(said["late"]) == {"digest"}
    change("UPDATE clinic SET live = false")
    assert client.get("/readyz").get_json()["digest_late_seconds"] == 0


def test_without_a_database_it_says_when_to_come_back(settings: Settings, app: Flask, actors: Actors) -> None:
    lost = create_app(settings_for(NOWHERE, NOWHERE))
    client = lost.test_client()
    assert client.get("/healthz").status_code == 200
    for answer in (client.get("/readyz"), client.get("/v1/me", headers=signed_in(app, actors.ada))):
        assert_problem(answer, 401, 503)
        if answer.status_code == 503:
            assert answer.headers["Retry-After"] == "5"
    assert client.get("/readyz").status_code == 503


def test_the_description_is_served(client: FlaskClient) -> None:
    assert client.get("/openapi.json").get_json()["info"]["title"] == "Interlude"
    docs = client.get("/docs/")
    assert docs.status_code == 200
    assert b'src="http' not in docs.data
    assert b'href="http' not in docs.data
    with client.get("/docs/swagger-ui-bundle.js") as script:
        assert script.status_code == 200


def test_who_asks_first_for_the_description_has_all_of_it(settings: Settings, app: Flask) -> None:
    """It is gathered at the first question, and others may ask at that very moment."""
    fresh = create_app(settings)
    said = concurrently(fresh, *(lambda: fresh.test_client().get("/openapi.json").get_json() for _ in range(4)))
    with app.app_context():
        written = yaml.safe_load(openapi_yaml())
    assert said == [written] * 4


def test_nothing_may_be_cached_or_framed(app: Flask, client: FlaskClient, actors: Actors) -> None:
    for url in ("/v1/today", "/v1/check-ins", "/v1/nothing", "/healthz"):
        headers = client.get(url, headers=signed_in(app, actors.ada)).headers
        assert "no-store" in headers["Cache-Control"], url
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
