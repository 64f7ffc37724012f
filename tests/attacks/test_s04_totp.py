"""S4: a code of the second step works once, whoever comes second, and nothing goes round it."""

from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.models import Role
from tests.api.problem import assert_problem
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import digest, one
from tests.factories import PASSWORD, TOTP_SECRET, Actors, bearer, make_member, mfa_code, signed_in

ALICE = {"email": "alice@clinic.example", "password": PASSWORD}


def sign_in(client: FlaskClient, **said: Any) -> TestResponse:
    return client.post("/v1/tokens", json={**ALICE, **said})


def assert_asked(answer: TestResponse) -> None:
    assert_problem(answer, 401)
    assert answer.get_json()["type"] == "/problems/mfa-required"


def test_s04_a_code_works_once(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    code = mfa_code(clock())
    assert sign_in(client, mfa_code=code).status_code == 201
    for lapse in (0, 29, 1):
        clock.pass_by(seconds=lapse)
        assert_asked(sign_in(client, mfa_code=code))
    assert sign_in(client, mfa_code=mfa_code(clock())).status_code == 201


def test_s04_nor_does_an_older_one_that_was_not_used(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    """Who looked over a shoulder while the owner waited for the next code."""
    seen = mfa_code(clock())
    clock.pass_by(seconds=30)
    assert sign_in(client, mfa_code=mfa_code(clock())).status_code == 201
    assert_asked(sign_in(client, mfa_code=seen))


def test_s04_of_many_at_once_one_comes_in(app: Flask, actors: Actors, clock: Clock) -> None:
    said = {**ALICE, "mfa_code": mfa_code(clock())}
    at_once = [lambda: app.test_client().post("/v1/tokens", json=said).status_code] * 4
    assert sorted(concurrently(app, *at_once)) == [201, 401, 401, 401]


def test_s04_a_code_is_good_for_three_steps_and_no_longer(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    code, early = mfa_code(clock()), pyotp.TOTP(TOTP_SECRET).at(clock(), counter_offset=2)
    assert_asked(sign_in(client, mfa_code=early))
    clock.pass_by(seconds=60)
    assert_asked(sign_in(client, mfa_code=code))
    assert sign_in(client, mfa_code=early).status_code == 201


def test_s04_a_right_password_alone_gives_nothing(client: FlaskClient, actors: Actors) -> None:
    before = digest()
    for said in ({}, {"mfa_code": "000000"}, {"mfa_code": "x"}, {"mfa_code": "\u00e9" * 40}, {"mfa_code": "1" * 40}):
        answer = sign_in(client, **said)
        assert_asked(answer)
        assert "token" not in answer.get_data(as_text=True)
    assert digest() == before


def test_s04_whether_there_is_a_second_step_is_told_to_who_knows_the_password(
    client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    wrong = {"password": "wrong horse battery"}
    answers = [
        sign_in(client, **wrong),
        sign_in(client, **wrong, mfa_code=mfa_code(clock())),
        sign_in(client, **wrong, email="bob@clinic.example"),
        sign_in(client, **wrong, email="nobody@clinic.example", mfa_code="000000"),
    ]
    assert {answer.get_json()["type"] for answer in answers} == {"/problems/sign-in-failed"}
    assert len({answer.data for answer in answers}) == 1
    assert one("SELECT totp_step FROM member WHERE id = :id", id=actors.alice_admin.id) == 0


def test_s04_a_recovery_code_works_once(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    bob = signed_in(app, actors.bob)
    secret = client.post("/v1/me/mfa", json={"password": PASSWORD}, headers=bob).get_json()["secret"]
    code = {"mfa_code": pyotp.TOTP(secret).at(clock())}
    codes = client.post("/v1/me/mfa/confirm", json=code, headers=bob).get_json()["recovery_codes"]
    said = {"email": actors.bob.email, "password": PASSWORD}
    assert len(set(codes)) == 10
    one_of_them = codes[3].lower().replace("-", " ")
    assert sign_in(client, **said, mfa_code=one_of_them).status_code == 201
    assert_asked(sign_in(client, **said, mfa_code=codes[3]))
    # Nor is it anybody else's.
    assert_asked(sign_in(client, mfa_code=codes[4]))
    assert one("SELECT cardinality(recovery_hashes) FROM member WHERE id = :id", id=actors.bob.id) == 9
    kept = one("SELECT member::text FROM member WHERE id = :id", id=actors.bob.id)
    assert all(code not in kept and code.replace("-", "") not in kept for code in codes)
    assert secret not in kept


@pytest.mark.parametrize("role", [Role.ADMIN, Role.CLINICIAN])
def test_s04_who_must_have_one_and_has_not_may_only_set_it_up(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, role: Role
) -> None:
    """Signed in before the clinic asked for it, or after: the next request is refused, and no refresh helps."""
    member = make_member(actors.clinic, role, "Grace", clock())
    member.totp, member.totp_since = None, None
    db.session.commit()
    headers = signed_in(app, member)
    required = client.patch("/v1/clinic", json={"mfa_required": True}, headers=signed_in(app, actors.alice_admin))
    assert required.get_json()["mfa_required"] is True
    given = sign_in(client, email=member.email).get_json()
    fresh = client.post("/v1/tokens/refresh", headers=bearer(given["refresh_token"])).get_json()
    for held in (headers, bearer(given["access_token"]), bearer(fresh["access_token"])):
        for method, url in (("GET", "/v1/patients"), ("GET", "/v1/me/devices"), ("POST", "/v1/me/password")):
            answer = client.open(url, method=method, headers=held)
            assert_problem(answer, 403)
            assert answer.get_json()["type"] == "/problems/mfa-enrolment-required"
        assert client.get("/v1/me", headers=held).get_json()["mfa"] is False
    held = bearer(fresh["access_token"])
    secret = client.post("/v1/me/mfa", json={"password": PASSWORD}, headers=held).get_json()["secret"]
    code = {"mfa_code": pyotp.TOTP(secret).at(clock())}
    full = client.post("/v1/me/mfa/confirm", json=code, headers=held).get_json()
    assert client.get("/v1/patients", headers=bearer(full["access_token"])).status_code == 200
    for others in (headers, bearer(given["access_token"]), held):
        assert_problem(client.get("/v1/me", headers=others), 401)
    assert_asked(sign_in(client, email=member.email, **code))


def test_s04_a_stolen_token_sets_up_nothing_and_removes_nothing(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    """Without the password there is no enrolment, and without a code no removal."""
    bob, alice, before = signed_in(app, actors.bob), signed_in(app, actors.alice_admin), digest()
    wrong = {"password": "wrong horse battery"}
    assert_problem(client.post("/v1/me/mfa", json=wrong, headers=bob), 422)
    for said in ({**wrong, "mfa_code": mfa_code(clock())}, {"password": PASSWORD, "mfa_code": "000000"}):
        assert_problem(client.delete("/v1/me/mfa", json=said, headers=alice), 422)
    assert_problem(client.post("/v1/me/mfa", json={"password": PASSWORD}, headers=alice), 409)
    assert digest() == before


def test_s04_an_admin_who_removes_it_can_only_set_up_another(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    alice = signed_in(app, actors.alice_admin)
    said = {"password": PASSWORD, "mfa_code": mfa_code(clock())}
    assert client.delete("/v1/me/mfa", json=said, headers=alice).status_code == 204
    assert_problem(client.get("/v1/members", headers=alice), 403)
    assert client.post("/v1/me/mfa", json={"password": PASSWORD}, headers=alice).status_code == 201
