"""S4: links to a new password are asked for and guessed, from one address and from many."""

from email.message import EmailMessage

from flask import Flask
from flask.testing import FlaskClient

from server.origin import Origin
from server.services.throttle import ALLOWED, Scope, count_attempt, email_account
from tests.api.problem import assert_problem
from tests.attacks.argon2_calls import counted_argon2
from tests.conftest import Clock
from tests.database import one
from tests.factories import PASSWORD, Actors
from tests.resets import ask, mailed, redeem, sign_in

RESET = ALLOWED[Scope.RESET]
BOB = email_account("bob@clinic.example")


def try_often(times: int, clock: Clock, network: str, account: str | None = BOB) -> None:
    for _ in range(times):
        count_attempt(Scope.RESET, account, Origin(network, ""), clock())


def test_s04_one_address_asks_for_one_member_and_is_refused_before_a_job_is_made(
    client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    try_often(RESET.pair - 1, clock, "127.0.0.1")
    assert ask(client).status_code == 202
    refused = ask(client, " BOB@clinic.example")
    assert_problem(refused, 429)
    assert refused.headers["Retry-After"] == "900"
    assert one("SELECT count(*) FROM procrastinate_jobs") == 1
    # To sign in is another matter.
    assert sign_in(client, PASSWORD).status_code == 201


def test_s04_links_are_not_guessed_and_no_argon2_is_spent_on_it(
    client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    try_often(RESET.address, clock, "127.0.0.1", None)
    with counted_argon2() as calls:
        assert_problem(redeem(client, "x" * 43), 429)
    assert calls == {}


def test_s04_the_owner_gets_a_link_while_thousands_of_addresses_ask(
    app: Flask, client: FlaskClient, actors: Actors, outbox: list[EmailMessage], clock: Clock
) -> None:
    """From the browser that was in before, even next to the attacker; from a new place, too; with one mail."""
    assert sign_in(client, PASSWORD).status_code == 201
    for n in range(RESET.calm + 1):
        try_often(1, clock, f"203.0.113.{n}")
    try_often(RESET.address, clock, "127.0.0.1", None)
    assert_problem(ask(app.test_client()), 429)
    assert ask(client).status_code == 202
    new = app.test_client()
    statuses = [
        new.post(
            "/v1/password-resets", json={"email": "bob@clinic.example"}, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
        ).status_code
        for _ in range(RESET.wary + 1)
    ]
    assert statuses == [202] * RESET.wary + [429]
    token = mailed(app, outbox)
    assert len(outbox) == 1
    elsewhere = {"REMOTE_ADDR": "192.0.2.2"}
    said = {"token": token, "password": "another battery horse"}
    assert client.post("/v1/password-resets/redeem", json=said, environ_overrides=elsewhere).status_code == 204
