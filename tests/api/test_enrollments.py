"""Invites: one use, two weeks, the newest alone, and nobody without a care team."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import PASSWORD, Actors, bearer, check_in_body, new_id, signed_in


@pytest.fixture
def patient(app: Flask, client: FlaskClient, actors: Actors) -> str:
    answer = client.post("/v1/patients", json={"zone": "America/New_York"}, headers=signed_in(app, actors.bob))
    return str(answer.get_json()["id"])


def invite(app: Flask, client: FlaskClient, actors: Actors, patient: str) -> str:
    answer = client.post(f"/v1/patients/{patient}/invites", headers=signed_in(app, actors.bob))
    assert answer.status_code == 201
    return str(answer.get_json()["code"])


def redeem(client: FlaskClient, code: str, **said: str) -> TestResponse:
    body = {"code": code, "password": PASSWORD, "device": "phone", "zone": "Europe/Lisbon", **said}
    return client.post("/v1/enrollments", json=body)


def test_the_phone_is_in(app: Flask, client: FlaskClient, actors: Actors, patient: str, clock: Clock) -> None:
    answer = redeem(client, invite(app, client, actors, patient))
    assert answer.status_code == 201
    me = client.get("/v1/me", headers=bearer(answer.get_json()["access_token"])).get_json()
    assert (me["id"], me["role"], me["zone"], me["code"]) == (
        patient, "patient", "Europe/Lisbon", answer.get_json()["code"]
    )  # fmt: skip
    shown = client.get(f"/v1/patients/{patient}", headers=signed_in(app, actors.bob)).get_json()
    assert (shown["enrolled"], shown["monitored_from"]) == (True, "2026-05-04")
    assert rows("SELECT due_at::text FROM watch WHERE patient_id = :id", id=patient) == [("2026-05-05 03:00:00+00",)]


def test_the_code_itself_is_kept_nowhere(app: Flask, client: FlaskClient, actors: Actors, patient: str) -> None:
    code = invite(app, client, actors, patient)
    redeem(client, code)
    kept = one("SELECT invite::text FROM invite WHERE patient_id = :id", id=patient)
    assert code not in kept
    assert code.replace("-", "") not in kept
    assert PASSWORD not in one("SELECT patient::text FROM patient WHERE id = :id", id=patient)


def test_an_invite_works_once(app: Flask, client: FlaskClient, actors: Actors, patient: str) -> None:
    code = invite(app, client, actors, patient)
    assert redeem(client, code).status_code == 201
    before = digest()
    assert_problem(redeem(client, code, password="another battery horse"), 422)
    assert digest() == before


def test_an_invite_ends_after_two_weeks(
    app: Flask, client: FlaskClient, actors: Actors, patient: str, clock: Clock
) -> None:
    code = invite(app, client, actors, patient)
    clock.pass_by(days=14)
    assert_problem(redeem(client, code), 422)
    clock.pass_by(seconds=-1)
    assert redeem(client, code).status_code == 201


def test_a_newer_invite_ends_the_older(app: Flask, client: FlaskClient, actors: Actors, patient: str) -> None:
    older, newer = (invite(app, client, actors, patient) for _ in range(2))
    assert_problem(redeem(client, older), 422)
    assert redeem(client, newer).status_code == 201


def test_unknown_used_and_expired_look_the_same(
    app: Flask, client: FlaskClient, actors: Actors, patient: str, clock: Clock
) -> None:
    expired = invite(app, client, actors, patient)
    used = invite(app, client, actors, patient)
    redeem(client, used)
    answers = [redeem(client, code) for code in (expired, used, "7K4M-QXW2-9TFB", "x")]
    for answer in answers:
        assert_problem(answer, 422)
    assert len({answer.data for answer in answers}) == 1
    assert pointers(answers[0]) == ["#/code"]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"password": "elevenchars"}, "#/password"),
        ({"password": "Password1234"}, "#/password"),
        ({"zone": "Nowhere"}, "#/zone"),
        ({"device": ""}, "#/device"),
    ],
)
def test_a_slip_does_not_burn_the_invite(
    app: Flask, client: FlaskClient, actors: Actors, patient: str, said: dict[str, str], pointer: str
) -> None:
    code = invite(app, client, actors, patient)
    refused = redeem(client, code, **said)
    assert_problem(refused, 422)
    assert pointers(refused) == [pointer]
    assert redeem(client, code.lower().replace("-", "")).status_code == 201


def test_a_patients_own_code_is_no_password(app: Flask, client: FlaskClient, actors: Actors, patient: str) -> None:
    code = invite(app, client, actors, patient)
    own = client.get(f"/v1/patients/{patient}", headers=signed_in(app, actors.bob)).get_json()["code"]
    refused = redeem(client, code, password=f"{own.lower()} 2026")
    assert_problem(refused, 422)
    assert pointers(refused) == ["#/password"]
    assert redeem(client, code).status_code == 201


def test_a_new_phone_signs_the_old_one_out(app: Flask, client: FlaskClient, actors: Actors, patient: str) -> None:
    old = redeem(client, invite(app, client, actors, patient)).get_json()
    new = redeem(client, invite(app, client, actors, patient), password="another battery horse").get_json()
    assert_problem(client.get("/v1/me", headers=bearer(old["access_token"])), 401)
    assert client.get("/v1/me", headers=bearer(new["access_token"])).status_code == 200
    assert old["code"] == new["code"]


def test_a_new_invite_is_how_a_patient_gets_a_new_password(app: Flask, client: FlaskClient, actors: Actors) -> None:
    """The record stays; whatever was signed in is out."""
    phone, new = signed_in(app, actors.ada), "another battery horse"
    said = check_in_body(datetime(2026, 5, 4, 20, tzinfo=UTC))
    assert client.put(f"/v1/check-ins/{new_id()}", json=said, headers=phone).status_code == 201
    code = invite(app, client, actors, str(actors.ada.id))
    assert client.get("/v1/me", headers=phone).status_code == 200
    fresh = bearer(redeem(client, code, password=new).get_json()["access_token"])
    assert_problem(client.get("/v1/me", headers=phone), 401)
    assert len(client.get("/v1/check-ins", headers=fresh).get_json()["items"]) == 1
    for password, status in ((PASSWORD, 401), (new, 201)):
        assert client.post("/v1/tokens", json={"code": actors.ada.code, "password": password}).status_code == status


def test_nobody_is_invited_whom_nobody_would_hear(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.alice_admin)
    alone = client.post("/v1/patients", json={"zone": "America/New_York"}, headers=headers).get_json()
    assert alone["care_team"] == []
    url = f"/v1/patients/{alone['id']}"
    assert_problem(client.post(f"{url}/invites", headers=headers), 409)
    team = {"care_team": [str(actors.bob.id)]}
    assert client.patch(url, json=team, headers=headers).get_json()["care_team"] == team["care_team"]
    assert client.post(f"{url}/invites", headers=headers).status_code == 201


def test_a_team_that_left_cannot_be_heard_either(app: Flask, client: FlaskClient, actors: Actors, patient: str) -> None:
    actors.bob.active = False
    app.extensions["sqlalchemy"].session.commit()
    headers = signed_in(app, actors.alice_admin)
    assert_problem(client.post(f"/v1/patients/{patient}/invites", headers=headers), 409)


def test_a_look_that_is_due_stays_due(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, patient: str
) -> None:
    """A phone replaced right after a check-in must not put off the look at that check-in."""
    code = invite(app, client, actors, patient)
    redeem(client, code)
    change("UPDATE watch SET due_at = :now WHERE patient_id = :id", now=clock(), id=patient)
    clock.pass_by(minutes=1)
    assert redeem(client, invite(app, client, actors, patient)).status_code == 201
    due = one("SELECT due_at FROM watch WHERE patient_id = :id", id=patient)
    assert due <= clock()
