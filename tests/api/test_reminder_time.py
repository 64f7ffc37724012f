"""The time of the reminders: by the patient's own clock, shown where the phone looks."""

import gzip

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, check_in_body, new_id, signed_in

DUE = "SELECT remind_due_at FROM patient"


def test_none_until_it_is_set_and_none_when_it_is_taken_away(app: Flask, client: FlaskClient, actors: Actors) -> None:
    ada = signed_in(app, actors.ada)
    for said, shown, next_at in (
        (None, None, None),
        ("16:30", "16:30", "2026-05-04T20:30:00Z"),
        ("16:00", "16:00", "2026-05-05T20:00:00Z"),
        (None, None, None),
    ):
        answer = client.patch("/v1/me", json={"reminder_time": said}, headers=ada)
        assert (answer.status_code, answer.get_json()["reminder_time"]) == (200, shown)
        assert client.get("/v1/me", headers=ada).get_json()["reminder_time"] == shown
        assert client.get("/v1/today", headers=ada).get_json()["reminders"] == {"time": shown, "next_at": next_at}


def test_it_goes_with_the_patient_to_another_zone(app: Flask, client: FlaskClient, actors: Actors) -> None:
    ada, bob = signed_in(app, actors.ada), signed_in(app, actors.bob)
    client.patch("/v1/me", json={"reminder_time": "20:00"}, headers=ada)
    client.patch("/v1/me", json={"zone": "Asia/Tokyo"}, headers=ada)
    assert one(DUE).isoformat() == "2026-05-05T11:00:00+00:00"
    client.patch(f"/v1/patients/{actors.ada.id}", json={"zone": "Europe/London"}, headers=bob)
    assert one(DUE).isoformat() == "2026-05-05T19:00:00+00:00"


@pytest.mark.parametrize(
    "said", ["24:00", "8:00", "20:00:00", "20.00", "20:60", "\u0662\u0660:00", "20:00\n", "", 20, {}]
)
def test_what_is_no_time_is_refused(app: Flask, client: FlaskClient, actors: Actors, said: object) -> None:
    answer = client.patch("/v1/me", json={"reminder_time": said}, headers=signed_in(app, actors.ada))
    assert_problem(answer, 422)
    assert pointers(answer) == ["#/reminder_time"]
    assert one(DUE) is None


def test_none_is_announced_to_who_takes_no_part(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    ada = signed_in(app, actors.ada)
    client.patch("/v1/me", json={"reminder_time": "20:00"}, headers=ada)
    (consent,) = client.get("/v1/consents", headers=ada).get_json()["items"]
    assert client.delete(f"/v1/consents/{consent['id']}", headers=ada).status_code in {200, 204}
    assert client.get("/v1/today", headers=ada).get_json()["reminders"] == {"time": "20:00", "next_at": None}


def test_today_stays_small(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    ada = signed_in(app, actors.ada)
    client.patch("/v1/me", json={"reminder_time": "20:00"}, headers=ada)
    for _ in range(14):
        body = check_in_body(clock(), craving=3.5, mood=6.5)
        assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=ada).status_code == 201
        clock.pass_by(days=1)
        ada = signed_in(app, actors.ada)
    said = client.get("/v1/today", headers=ada).get_data()
    assert len(gzip.compress(said)) <= 2048
