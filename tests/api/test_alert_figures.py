"""How alerts fare: counted by month, rule and severity, from what happened to each."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Outcome
from server.services import alerts, identities
from server.trends import Severity
from tests.conftest import Clock
from tests.database import change, one
from tests.factories import Actors, make_patient, signed_in
from tests.services.test_alerts import tell


@pytest.fixture
def history(actors: Actors, clock: Clock) -> None:
    """In May: one alert acknowledged after 10 minutes and acted on after an hour, one found to be false. In June one
    that is open.
    """
    bob = identities.of_member(actors.bob)
    tell(actors, clock, (0, Severity.PROMPT))
    first = one("SELECT id FROM alert")
    clock.pass_by(minutes=10)
    alerts.acknowledge(bob, first, clock())
    clock.pass_by(minutes=50)
    alerts.resolve(bob, first, Outcome.CONTACTED, None, clock())
    db.session.commit()
    tell(actors, clock, (0, Severity.URGENT), rule="mood_very_low")
    clock.pass_by(minutes=30)
    alerts.resolve(bob, one("SELECT id FROM alert WHERE state = 'open'"), Outcome.FALSE_ALARM, None, clock())
    db.session.commit()
    clock.pass_by(days=40)
    tell(actors, clock, (40, Severity.PROMPT))


def test_by_month_and_by_kind(app: Flask, client: FlaskClient, actors: Actors, history: None) -> None:
    shown = client.get("/v1/alerts/figures?months=3", headers=signed_in(app, actors.bob)).get_json()
    april, may, june = shown["months"]
    assert (april["month"], april["alerts"], april["alerts_per_patient_month"]) == ("2026-04-01", 0, None)
    # Watched from the 4th to the end of the month: 28 days.
    assert (may["patient_months"], may["alerts"], may["alerts_per_patient_month"]) == (0.92, 2, 2.174)
    assert (may["acknowledged"], may["median_seconds_to_acknowledge"]) == (2, 20 * 60)
    assert may["longest_seconds_to_acknowledge"] == 30 * 60
    assert (may["resolved"], may["acted_on"], may["share_acted_on"], may["false_alarms"]) == (2, 1, 0.5, 1)
    assert may["median_seconds_to_resolve"] == 45 * 60
    assert (june["alerts"], june["acknowledged"], june["median_seconds_to_acknowledge"]) == (1, 0, None)
    kinds = [(item["month"], item["rule"], item["severity"], item["alerts"]) for item in shown["items"]]
    assert kinds == [
        ("2026-05-01", "mood_very_low", "urgent", 1),
        ("2026-05-01", "craving_severe", "prompt", 1),
        ("2026-06-01", "craving_severe", "prompt", 1),
    ]


def test_days_that_are_paused_are_not_watched(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    change(
        """INSERT INTO pause (id, patient_id, why, first_day, last_day, begun_at, ended_at, clinic_id)
           SELECT gen_random_uuid(), id, why, '2026-05-06', '2026-05-08', now(), now(), clinic_id
           FROM patient, (VALUES ('clinic'), ('withdrawal')) both_kinds (why)"""
    )
    clock.at += timedelta(days=9)
    shown = client.get("/v1/alerts/figures?months=1", headers=signed_in(app, actors.bob)).get_json()
    # The 4th to the 13th, without three days.
    assert shown["months"][0]["patient_months"] == round(7 / (365.25 / 12), 2)


def test_a_clinician_counts_her_own_and_an_admin_the_clinic(
    app: Flask, client: FlaskClient, actors: Actors, history: None, clock: Clock
) -> None:
    eve = make_patient(actors.bob, clock())
    change("DELETE FROM care_team WHERE patient_id = :id", id=eve.id)
    bob, alice = (
        client.get("/v1/alerts/figures", headers=signed_in(app, who)).get_json()
        for who in (actors.bob, actors.alice_admin)
    )
    assert bob["items"] == alice["items"]
    assert alice["months"][-1]["patient_months"] > bob["months"][-1]["patient_months"]


def test_another_clinic_sees_none(app: Flask, client: FlaskClient, actors: Actors, history: None) -> None:
    shown = client.get("/v1/alerts/figures", headers=signed_in(app, actors.carol)).get_json()
    assert shown["items"] == []
    assert {(month["alerts"], month["patient_months"]) for month in shown["months"]} == {(0, 0.0)}


@pytest.mark.parametrize("months", ["0", "61", "many"])
def test_so_many_months_and_no_more(app: Flask, client: FlaskClient, actors: Actors, months: str) -> None:
    answer = client.get(f"/v1/alerts/figures?months={months}", headers=signed_in(app, actors.bob))
    assert answer.status_code == 422
