"""S5: no answer tells whether there is such an account: not its status, body or headers, nor how often Argon2 ran."""

import re
from collections.abc import Callable, Sequence
from email.message import EmailMessage
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
from tests.attacks.things import disable
from tests.conftest import Clock
from tests.database import rows
from tests.factories import PASSWORD, Actors
from tests.resets import ask, mailed, redeem
from tests.statements import asked
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


def asked_by_api(client: FlaskClient, email: str, _: str) -> TestResponse:
    return client.post("/v1/password-resets", json={"email": email})


def asked_by_page(client: FlaskClient, email: str, _: str) -> TestResponse:
    return client.post("/reset", data={"email": email, "csrf_token": csrf_token(client, "/reset")})


@pytest.mark.parametrize("attempt", [asked_by_api, asked_by_page])
def test_s05_who_asks_for_a_new_password_learns_nothing(app: Flask, actors: Actors, attempt: Attempt) -> None:
    """Active, disabled, of another clinic, unknown: the very same statements, and a job for each."""
    actors.alice_admin.active = False
    db.session.commit()
    emails = ("bob@clinic.example", "alice@clinic.example", "carol@elsewhere.example", "nobody@clinic.example", "x")
    db.session.rollback()
    answers, statements = [], []
    for email in emails:
        client = app.test_client()
        with counted_argon2() as calls, asked() as said:
            answers.append(seen(attempt(client, email, "")))
        statements.append(said)
        assert calls == {}
    assert answers == [answers[0]] * len(emails)
    assert answers[0][0] == (202 if attempt is asked_by_api else 200)
    assert statements == [statements[0]] * len(emails)
    assert statements[0]
    jobs = rows(
        "SELECT task_name, status::text, length(args ->> 'email_index'), args ->> 'asked_at' FROM procrastinate_jobs"
    )
    assert jobs == [jobs[0]] * len(emails)


def test_s05_the_throttle_of_asking_says_nothing_either(app: Flask, actors: Actors) -> None:
    answers = [
        [seen(asked_by_api(app.test_client(), email, "")) for _ in range(ALLOWED[Scope.RESET].pair + 1)]
        for email in ("bob@clinic.example", "nobody@clinic.example")
    ]
    assert answers[0] == answers[1]
    assert [status for status, *_ in answers[0]] == [202] * ALLOWED[Scope.RESET].pair + [429]


def test_s05_a_link_that_does_not_work_says_nothing(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    """Unknown, replaced, of somebody disabled, used, and good: one hash each, before any of them is told apart."""
    ask(client)
    replaced = mailed(app, outbox)
    clock.pass_by(minutes=6)
    ask(client)
    good = mailed(app, outbox)
    ask(client, "carol@elsewhere.example")
    carols = mailed(app, outbox)
    disable(actors.carol)
    answers = []
    for token, status in (("x" * 43, 422), ("x", 422), (replaced, 422), (carols, 422), (good, 204), (good, 422)):
        with counted_argon2() as calls:
            answer = redeem(app.test_client(), token)
        assert (answer.status_code, calls) == (status, {"hash": 1}), token
        if status != 204:
            answers.append(seen(answer))
    assert answers == [answers[0]] * 5
