"""Signing in and out, one's password and one's devices. Tokens that must not work: tests/attacks/test_s02_..."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import digest, one, rows
from tests.factories import PASSWORD, Actors, bearer, signed_in, tokens_of
from tests.statements import asked

NEW_PASSWORD = "another battery horse"


def me(client: FlaskClient, token: str) -> TestResponse:
    return client.get("/v1/me", headers=bearer(token))


def devices(client: FlaskClient, token: str) -> list[dict[str, Any]]:
    answer = client.get("/v1/me/devices", headers=bearer(token))
    assert answer.status_code == 200
    return list(answer.get_json()["items"])


def test_an_access_token_ends_by_our_clock(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    headers = signed_in(app, actors.bob)
    clock.pass_by(minutes=30, seconds=-1)
    assert client.get("/v1/me", headers=headers).status_code == 200
    clock.pass_by(seconds=1)
    assert_problem(client.get("/v1/me", headers=headers), 401)


def test_a_refresh_token_gives_the_next_pair(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    given = tokens_of(app, actors.bob)
    clock.pass_by(days=60, seconds=-1)
    fresh = client.post("/v1/tokens/refresh", headers=bearer(given["refresh_token"]))
    assert fresh.status_code == 201
    assert fresh.get_json()["expires_in"] == 1800
    assert me(client, fresh.get_json()["access_token"]).get_json()["name"] == "Bob"


def test_requests_under_way_outlive_a_refresh(app: Flask, client: FlaskClient, actors: Actors) -> None:
    before = tokens_of(app, actors.ada)
    after = client.post("/v1/tokens/refresh", headers=bearer(before["refresh_token"])).get_json()
    for token in (before["access_token"], after["access_token"], before["access_token"]):
        assert me(client, token).status_code == 200


def test_a_request_costs_one_statement_to_let_in(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    with asked() as said:
        # Which of them tells the transaction its clinic, and which asks for the sign-in: a phone's does both.
        for account, tells, asks in ((actors.ada, 0, 0), (actors.bob, 0, 1)):
            given = tokens_of(app, account)
            said.clear()
            assert me(client, given["access_token"]).status_code == 200
            assert [at for at, statement in enumerate(said) if "set_config" in statement] == [tells]
            assert [at for at, statement in enumerate(said) if "sign_in" in statement] == [asks]
            assert not said[asks].startswith("UPDATE")
            # Now and then its use is written: once, then not for a while.
            clock.pass_by(minutes=20)
            for writes in (1, 0):
                said.clear()
                assert me(client, given["access_token"]).status_code == 200
                assert len([statement for statement in said if statement.startswith("UPDATE sign_in")]) == writes


def test_signing_out_ends_this_device_alone(app: Flask, client: FlaskClient, actors: Actors) -> None:
    for account in (actors.bob, actors.ada):
        here, there = tokens_of(app, account), tokens_of(app, account)
        assert client.delete("/v1/tokens/current", headers=bearer(here["access_token"])).status_code == 204
        assert_problem(me(client, here["access_token"]), 401)
        assert_problem(client.delete("/v1/tokens/current", headers=bearer(here["access_token"])), 401)
        assert me(client, there["access_token"]).status_code == 200
    assert rows("SELECT DISTINCT ended_why FROM sign_in WHERE ended_at IS NOT NULL") == [("signed_out",)]


def test_devices_are_listed_with_when_they_were_used(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    signing_in = {"code": actors.ada.code, "password": PASSWORD}
    old = client.post("/v1/tokens", json={**signing_in, "device": "old phone"}).get_json()
    clock.pass_by(hours=1)
    new = client.post("/v1/tokens", json=signing_in).get_json()
    listed = devices(client, new["access_token"])
    assert [(item["device"], item["current"]) for item in listed] == [(None, True), ("old phone", False)]
    assert (listed[1]["signed_in_at"], listed[1]["last_used_at"]) == ("2026-05-04T20:00:00Z", "2026-05-04T20:00:00Z")
    clock.pass_by(hours=1)
    fresh = client.post("/v1/tokens/refresh", headers=bearer(old["refresh_token"])).get_json()
    listed = devices(client, fresh["access_token"])
    assert [(item["device"], item["current"]) for item in listed] == [("old phone", True), (None, False)]
    assert (listed[0]["signed_in_at"], listed[0]["last_used_at"]) == ("2026-05-04T20:00:00Z", "2026-05-04T22:00:00Z")


def test_a_device_is_listed_as_long_as_it_can_come_back(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    tokens_of(app, actors.ada, "lost")
    clock.pass_by(days=60, seconds=-1)
    kept = tokens_of(app, actors.ada, "kept")["access_token"]
    assert [item["device"] for item in devices(client, kept)] == ["kept", "lost"]
    clock.pass_by(seconds=1)
    assert [item["device"] for item in devices(client, kept)] == ["kept"]


def test_a_lost_phone_is_signed_out_from_another(app: Flask, client: FlaskClient, actors: Actors) -> None:
    lost, kept = tokens_of(app, actors.ada, "lost"), tokens_of(app, actors.ada, "kept")
    (id_,) = (item["id"] for item in devices(client, kept["access_token"]) if item["device"] == "lost")
    assert client.delete(f"/v1/me/devices/{id_}", headers=bearer(kept["access_token"])).status_code == 204
    assert_problem(me(client, lost["access_token"]), 401)
    assert_problem(client.post("/v1/tokens/refresh", headers=bearer(lost["refresh_token"])), 401)
    assert [item["device"] for item in devices(client, kept["access_token"])] == ["kept"]
    assert_problem(client.delete(f"/v1/me/devices/{id_}", headers=bearer(kept["access_token"])), 404)
    assert one("SELECT ended_why FROM sign_in WHERE device = 'lost'") == "revoked"


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_a_new_password(app: Flask, client: FlaskClient, actors: Actors, name: str) -> None:
    account = getattr(actors, name)
    named = {"code": account.code} if name == "ada" else {"email": account.email}
    here, there = tokens_of(app, account), tokens_of(app, account)
    said = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = client.post("/v1/me/password", json=said, headers=bearer(here["access_token"]))
    assert answer.status_code == 201
    fresh = answer.get_json()
    assert me(client, fresh["access_token"]).status_code == 200
    assert client.post("/v1/tokens/refresh", headers=bearer(fresh["refresh_token"])).status_code == 201
    for token in (here["access_token"], there["access_token"]):
        assert_problem(me(client, token), 401)
    assert_problem(client.post("/v1/tokens", json={**named, "password": PASSWORD}), 401)
    assert client.post("/v1/tokens", json={**named, "password": NEW_PASSWORD}).status_code == 201


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"password": "wrong horse battery"}, "#/password"),
        ({"new_password": "elevenchars"}, "#/new_password"),
        ({"new_password": "Password1234"}, "#/new_password"),
    ],
)
def test_a_password_that_is_not_changed_ends_nothing(
    app: Flask, client: FlaskClient, actors: Actors, said: dict[str, str], pointer: str
) -> None:
    headers = signed_in(app, actors.ada)
    before = digest()
    body = {"password": PASSWORD, "new_password": NEW_PASSWORD, **said}
    answer = client.post("/v1/me/password", json=body, headers=headers)
    assert_problem(answer, 422)
    assert pointers(answer) == [pointer]
    assert digest() == before
    assert client.get("/v1/me", headers=headers).status_code == 200


def test_members_sign_in_with_an_email_and_patients_with_a_code(client: FlaskClient, actors: Actors) -> None:
    code = actors.ada.code
    for said in (
        {"email": "bob@clinic.example"},
        {"email": " BOB@Clinic.Example "},
        {"code": code},
        {"code": code.lower().replace("-", " ").replace("0", "o").replace("1", "L")},
    ):
        answer = client.post("/v1/tokens", json={**said, "password": PASSWORD})
        assert answer.status_code == 201, said
        assert me(client, answer.get_json()["access_token"]).status_code == 200


def test_no_answer_tells_which_accounts_exist(client: FlaskClient, actors: Actors) -> None:
    actors.alice_admin.active = False
    unused = client_code = actors.ada.code
    db.session.commit()
    for alike in (
        [
            {"email": "bob@clinic.example", "password": "wrong horse battery"},
            {"email": "nobody@clinic.example", "password": PASSWORD},
            {"email": "alice@clinic.example", "password": PASSWORD},
            {"email": unused, "password": PASSWORD},
        ],
        [
            {"code": client_code, "password": "wrong horse battery"},
            {"code": "0000-0000", "password": PASSWORD},
            {"code": "bob@clinic.example", "password": PASSWORD},
        ],
    ):
        answers = [client.post("/v1/tokens", json=said) for said in alike]
        for answer in answers:
            assert_problem(answer, 401)
            assert answer.get_json()["type"] == "/problems/sign-in-failed"
        assert len({answer.data for answer in answers}) == 1
        assert len({tuple(answer.headers) for answer in answers}) == 1


def test_a_patient_who_never_enrolled_cannot_sign_in(app: Flask, client: FlaskClient, actors: Actors) -> None:
    made = client.post("/v1/patients", json={"zone": "Europe/Oslo"}, headers=signed_in(app, actors.bob)).get_json()
    for password in (PASSWORD, "nobody has this password"):
        assert_problem(client.post("/v1/tokens", json={"code": made["code"], "password": password}), 401)


@pytest.mark.parametrize("said", [{}, {"email": "a@b.example", "code": "7K4M-QXW2"}])
def test_one_of_email_and_code(client: FlaskClient, said: dict[str, str]) -> None:
    assert_problem(client.post("/v1/tokens", json={**said, "password": PASSWORD}), 422)
