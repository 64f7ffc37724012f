"""S5: no answer tells whether there is such an account: not its status, body or headers, nor how often Argon2 ran."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.origin import Origin
from server.services import identities, patients
from server.services.throttle import ALLOWED, Scope, count_attempt, email_account
from tests.attacks.argon2_calls import counted_argon2
from tests.conftest import Clock
from tests.factories import PASSWORD, Actors
from tests.web.conftest import csrf_token

WRONG = "wrong horse battery"
Attempt = Callable[[FlaskClient, str, str], TestResponse]


def by_email(client: FlaskClient, email: str, password: str) -> TestResponse:
    return client.post("/v1/tokens", json={"email": email, "password": password})


def by_code(client: FlaskClient, code: str, password: str) -> TestResponse:
    return client.post("/v1/tokens", json={"code": code, "password": password})


def by_page(client: FlaskClient, email: str, password: str) -> TestResponse:
    form = {"email": email, "password": password, "csrf_token": csrf_token(client, "/sign-in")}
    return client.post("/sign-in", data=form)


def seen(answer: TestResponse) -> tuple[Any, ...]:
    """All that a client gets, but for what is random in every answer: the form's token and the cookie that holds it."""
    body = re.sub(r'name="csrf_token" value="[^"]*"', "", answer.get_data(as_text=True))
    headers = [(name, "" if name in ("Set-Cookie", "Content-Length") else value) for name, value in answer.headers]
    return answer.status_code, body, headers


@pytest.fixture
def no_phone_yet(actors: Actors, clock: Clock) -> str:
    said = {"zone": "America/New_York", "language": "en", "region": "US"}
    patient = patients.create_patient(identities.of_member(actors.bob), said, clock())
    db.session.commit()
    return patient.code


@pytest.fixture
def accounts(actors: Actors, no_phone_yet: str) -> dict[Attempt, Sequence[tuple[str, str]]]:
    """Account and password, by the way in: none of them gets in."""
    actors.alice_admin.active = False
    db.session.commit()
    members = (
        ("bob@clinic.example", WRONG),
        ("nobody@clinic.example", WRONG),
        ("nobody@clinic.example", PASSWORD),
        ("alice@clinic.example", PASSWORD),
        ("not an address", WRONG),
    )
    codes = ((actors.ada.code, WRONG), ("7K4M-QXW2", WRONG), (no_phone_yet, PASSWORD), ("x", WRONG))
    return {by_email: members, by_page: members, by_code: codes}


@pytest.mark.parametrize("attempt", [by_email, by_code, by_page])
def test_s05_a_sign_in_that_fails_says_nothing(
    app: Flask, accounts: dict[Attempt, Sequence[tuple[str, str]]], attempt: Attempt
) -> None:
    answers = []
    for account, password in accounts[attempt]:
        with counted_argon2() as calls:
            answers.append(seen(attempt(app.test_client(), account, password)))
        assert calls == {"verify": 1}, account
    assert {status for status, *_ in answers} == {401}
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("attempt", [by_email, by_page])
def test_s05_nor_does_the_throttle(app: Flask, actors: Actors, attempt: Attempt, clock: Clock) -> None:
    """A known account and an unknown one are refused from the same attempt on, in the same words."""
    answers = []
    for account in ("bob@clinic.example", "nobody@clinic.example"):
        for _ in range(ALLOWED[Scope.SIGN_IN].pair - 1):
            count_attempt(Scope.SIGN_IN, email_account(account), Origin("127.0.0.1", ""), clock())
        answers.append([seen(attempt(app.test_client(), account, WRONG)) for _ in range(3)])
    known, unknown = answers
    assert known == unknown
    assert [status for status, *_ in known] == [401, 429, 429]


def test_s05_one_that_succeeds_costs_as_much(client: FlaskClient, actors: Actors) -> None:
    with counted_argon2() as calls:
        assert by_email(client, "bob@clinic.example", PASSWORD).status_code == 201
        assert by_code(client, actors.ada.code, PASSWORD).status_code == 201
    assert calls == {"verify": 2}


def test_s05_an_invite_that_does_not_work_says_nothing(app: Flask, actors: Actors, clock: Clock) -> None:
    """Unknown, used, replaced, of somebody disabled, and good: one hash each, before any of them is told apart."""
    bob = identities.of_member(actors.bob)
    _, replaced = patients.invite(bob, actors.ada.id, clock())
    _, good = patients.invite(bob, actors.ada.id, clock())
    db.session.commit()
    said = {"password": PASSWORD, "device": "phone", "zone": "America/New_York"}
    answers = []
    for code, status in ((replaced, 422), ("7K4M-QXW2-9TFB", 422), (good, 201), (good, 422)):
        with counted_argon2() as calls:
            answer = app.test_client().post("/v1/enrollments", json={**said, "code": code})
        assert (answer.status_code, calls) == (status, {"hash": 1})
        if status != 201:
            answers.append(seen(answer))
    assert all(answer == answers[0] for answer in answers)
