"""Signing in and out, and every token that must not work."""

import base64
import json
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.api.tokens import issue
from server.extensions import db
from server.models import Role
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.factories import PASSWORD, Actors, identity_of, signed_in


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(client: FlaskClient, token: str) -> TestResponse:
    return client.get("/v1/me", headers=bearer(token))


def claims(actors: Actors, clock: Clock, **changes: Any) -> dict[str, Any]:
    """What a good access token of Bob's says."""
    at = int(clock().timestamp())
    said = {
        "sub": str(actors.bob.id),
        "role": "clinician",
        "version": actors.bob.token_version,
        "type": "access",
        "fresh": False,
        "jti": "1",
        "iat": at,
        "exp": at + 600,
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def test_a_token_made_by_hand_works_so_that_the_others_fail_for_their_reason(
    client: FlaskClient, actors: Actors, clock: Clock, settings: Settings
) -> None:
    token = jwt.encode(claims(actors, clock), settings.jwt_secret_key, "HS256")
    assert me(client, token).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"iat": None},
        {"role": None},
        {"version": None},
        {"sub": None},
        {"type": "refresh"},
        {"role": "admin"},
        {"role": "patient"},
        {"role": "owner"},
        {"role": ["clinician"]},
        {"version": 0},
        {"version": 2},
        {"version": "1"},
        {"version": {"a": 1}},
        {"sub": "bob"},
        {"sub": "00000000-0000-0000-0000-000000000000"},
        {"sub": 1},
        {"exp": 1},
        {"exp": "2100-01-01"},
        {"exp": True},
        {"iat": 4_000_000_000},
        {"iat": "soon"},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_refused(
    client: FlaskClient, actors: Actors, clock: Clock, settings: Settings, changes: dict[str, Any]
) -> None:
    token = jwt.encode(claims(actors, clock, **changes), settings.jwt_secret_key, "HS256")
    assert_problem(me(client, token), 401)


def test_a_patients_id_in_a_clinicians_token_opens_nothing(
    client: FlaskClient, actors: Actors, clock: Clock, settings: Settings
) -> None:
    for said in ({"sub": str(actors.ada.id), "version": actors.ada.token_version}, {"role": "patient"}):
        token = jwt.encode(claims(actors, clock, **said), settings.jwt_secret_key, "HS256")
        assert_problem(me(client, token), 401)


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512", "None", "hs256"])
def test_another_algorithm_is_refused(
    client: FlaskClient, actors: Actors, clock: Clock, settings: Settings, algorithm: str
) -> None:
    if algorithm in ("HS384", "HS512"):
        key = settings.jwt_secret_key * 2
        token = jwt.encode(claims(actors, clock), key, algorithm)
    else:
        good = jwt.encode(claims(actors, clock), settings.jwt_secret_key, "HS256")
        header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).decode().rstrip("=")
        token = f"{header}.{good.split('.')[1]}."
    assert_problem(me(client, token), 401)


def test_another_secret_is_refused(client: FlaskClient, actors: Actors, clock: Clock, settings: Settings) -> None:
    for secret in (settings.secret_key, "x" * 64):
        assert_problem(me(client, jwt.encode(claims(actors, clock), secret, "HS256")), 401)


@pytest.mark.parametrize(
    "header",
    [b"[" * 5_000, b'{"a":' * 5_000, b"[]", b"7", b"null", b'{"alg": ["HS256"]}', b'{"alg": "HS256", "kid": 5}',
     b'{"alg": "HS256", "crit": ["x"]}', b'{"alg": "HS256", "n": ' + b"9" * 5_000 + b"}", b"\xff\xfe", b""],
)  # fmt: skip
def test_whatever_the_header_of_a_token_holds_is_a_401(client: FlaskClient, actors: Actors, header: bytes) -> None:
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    for token in (f"{encoded}.e30.c2ln", f"e30.{encoded}.c2ln", encoded, f"{encoded}..", "....", "ü.ü.ü"):
        assert_problem(me(client, token), 401)


def test_an_access_token_ends_by_our_clock(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    headers = signed_in(app, actors.bob)
    clock.pass_by(minutes=30, seconds=-1)
    assert client.get("/v1/me", headers=headers).status_code == 200
    clock.pass_by(seconds=1)
    assert_problem(client.get("/v1/me", headers=headers), 401)


def test_a_refresh_token_refreshes_and_does_nothing_else(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    given = issue(identity_of(actors.bob))
    assert_problem(me(client, given["refresh_token"]), 401)
    assert_problem(client.post("/v1/tokens/refresh", headers=bearer(given["access_token"])), 401)
    clock.pass_by(days=60, seconds=-1)
    fresh = client.post("/v1/tokens/refresh", headers=bearer(given["refresh_token"]))
    assert fresh.status_code == 201
    assert me(client, fresh.get_json()["access_token"]).get_json()["name"] == "Bob"
    clock.pass_by(seconds=1)
    assert_problem(client.post("/v1/tokens/refresh", headers=bearer(given["refresh_token"])), 401)


def test_signing_out_everywhere_ends_every_token(app: Flask, client: FlaskClient, actors: Actors) -> None:
    for account in (actors.bob, actors.ada):
        given = issue(identity_of(account))
        another = signed_in(app, account)
        assert client.delete("/v1/tokens", headers=bearer(given["access_token"])).status_code == 204
        assert_problem(me(client, given["access_token"]), 401)
        assert_problem(client.get("/v1/me", headers=another), 401)
        assert_problem(client.post("/v1/tokens/refresh", headers=bearer(given["refresh_token"])), 401)
    assert client.get("/v1/me", headers=signed_in(app, actors.alice_admin)).status_code == 200


def test_a_changed_role_ends_the_old_ones_tokens(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.bob)
    actors.bob.role = Role.ADMIN
    db.session.commit()
    assert_problem(client.get("/v1/alerts", headers=headers), 401)
    assert_problem(client.get("/v1/members", headers=headers), 401)


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
