"""S4: passwords, codes and tokens are guessed, from one address and from many; and nobody is locked out by it."""

import uuid
from collections import Counter
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import create_app
from server.extensions import db
from server.jobs import JOBS
from server.origin import COOKIE, Origin, network_of
from server.services import passwords, throttle
from server.services.throttle import ALLOWED, Scope, count_attempt, count_own, email_account
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.attacks.argon2_calls import counted_argon2
from tests.attacks.forging import claims_of, refresh
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import PASSWORD, Actors, settings_for, signed_in, tokens_of
from tests.web.conftest import csrf_token

BOB = email_account("bob@clinic.example")
SIGN_IN = ALLOWED[Scope.SIGN_IN]
HERE = "127.0.0.1"
WRONG = "wrong horse battery"


def sign_in(
    client: FlaskClient, password: str = WRONG, email: str = "bob@clinic.example", **from_where: str
) -> TestResponse:
    """`peer` connects to us; `forwarded` is what it writes."""
    headers = {"X-Forwarded-For": from_where["forwarded"]} if "forwarded" in from_where else {}
    return client.post(
        "/v1/tokens",
        json={"email": email, "password": password},
        headers=headers,
        environ_overrides={"REMOTE_ADDR": from_where.get("peer", HERE)},
    )


def try_often(times: int, clock: Clock, network: str, account: str | None = BOB, scope: Scope = Scope.SIGN_IN) -> None:
    """Attempts that are counted and then go wrong, without the Argon2 in between."""
    for _ in range(times):
        count_attempt(scope, account, Origin(network, ""), clock())


@pytest.fixture
def patient_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for Argon2 waits, however slow the machine is."""
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 300)


@pytest.fixture
def instances(settings: Settings, clock: Clock) -> Iterator[list[Flask]]:
    """As many processes have it: nothing in common but the database."""
    apps = [create_app(settings, now=clock) for _ in range(3)]
    yield apps
    for app in apps:
        with app.app_context():
            db.engine.dispose()


def test_s04_all_instances_count_as_one_and_before_argon2(
    app: Flask, actors: Actors, clock: Clock, instances: list[Flask], patient_ones: None
) -> None:
    with counted_argon2() as calls:
        clients = [instances[turn % 3].test_client() for turn in range(24)]
        answers = concurrently(app, *[lambda client=client: sign_in(client) for client in clients])
    assert Counter(answer.status_code for answer in answers) == {401: SIGN_IN.pair, 429: 24 - SIGN_IN.pair}
    assert calls == {"verify": SIGN_IN.pair}


def test_s04_retry_after_is_right_by_our_clock(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    try_often(SIGN_IN.pair, clock, HERE)
    clock.pass_by(seconds=61.5)
    answer = sign_in(client, PASSWORD)
    assert_problem(answer, 429)
    assert answer.headers["Retry-After"] == "839"
    assert answer.get_json()["detail"] == "Too many attempts. Try again in 14 minutes."
    clock.pass_by(seconds=838.4)
    assert sign_in(client, PASSWORD).headers["Retry-After"] == "1"
    clock.pass_by(seconds=0.1)
    assert sign_in(client, PASSWORD).status_code == 201


def test_s04_a_forwarded_for_of_ones_own_does_not_help(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    try_often(SIGN_IN.pair - 1, clock, HERE)
    statuses = [sign_in(client, forwarded=f"203.0.113.{n}").status_code for n in range(4)]
    assert statuses == [401, 429, 429, 429]


def test_s04_behind_a_trusted_proxy_the_real_client_counts(settings: Settings, actors: Actors, clock: Clock) -> None:
    urls = settings.database_url, settings.migration_database_url
    proxied = create_app(settings_for(*urls, TRUSTED_PROXIES="10.0.0.0/8, 127.0.0.1"), now=clock)
    client = proxied.test_client()
    try_often(SIGN_IN.pair, clock, "198.51.100.7")
    for forged in ("198.51.100.7", "1.2.3.4, 198.51.100.7", "10.1.1.1, 198.51.100.7", "198.51.100.7, 10.2.2.2"):
        assert sign_in(client, PASSWORD, forwarded=forged).status_code == 429
    # Past the proxy, and straight to us: that peer is no proxy, whatever it writes.
    assert sign_in(client, PASSWORD, peer="198.51.100.7", forwarded="1.2.3.4").status_code == 429
    assert sign_in(client, PASSWORD, forwarded="198.51.100.8").status_code == 201
    with proxied.app_context():
        db.engine.dispose()


def test_s04_an_ipv6_network_counts_as_one(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    for n in range(SIGN_IN.pair - 1):
        try_often(1, clock, network_of(f"2001:db8:1:2::{n:x}"))
    assert sign_in(client, peer="2001:db8:1:2:1::").status_code == 401
    assert sign_in(client, PASSWORD, peer="2001:db8:1:2:ffff::1").status_code == 429
    assert sign_in(client, PASSWORD, peer="2001:db8:1:3::1").status_code == 201


def test_s04_one_address_tries_many_accounts(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    for n in range(SIGN_IN.address):
        try_often(1, clock, HERE, email_account(f"somebody{n}@clinic.example"))
    before = one("SELECT count(*) FROM attempt_count")
    for n in range(5):
        assert sign_in(client, email=f"another{n}@clinic.example").status_code == 429
    # Refused, it does not fill the table either.
    assert one("SELECT count(*) FROM attempt_count") == before


def test_s04_the_owner_gets_in_while_thousands_of_addresses_try(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    """From the phone or browser that was in before, even next to the attacker; from a new place, too."""
    known, new = client, app.test_client()
    assert sign_in(known, PASSWORD).status_code == 201
    clock.pass_by(days=1)
    for n in range(SIGN_IN.calm + 1):
        try_often(1, clock, f"203.0.113.{n}")
    for n in range(SIGN_IN.address):
        try_often(1, clock, HERE, email_account(f"somebody{n}@clinic.example"))
    stranger = app.test_client()
    statuses = [sign_in(stranger, peer="203.0.113.99").status_code for _ in range(SIGN_IN.wary + 1)]
    assert statuses == [401] * SIGN_IN.wary + [429]
    assert sign_in(stranger, PASSWORD).status_code == 429
    assert sign_in(known).status_code == 401
    assert sign_in(known, PASSWORD).status_code == 201
    assert sign_in(new, PASSWORD, peer="192.0.2.1").status_code == 201


def test_s04_a_patients_phone_is_known_from_its_sign_in(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    said = {"code": actors.ada.code.lower(), "password": PASSWORD}
    assert client.post("/v1/tokens", json=said).status_code == 201
    try_often(SIGN_IN.pair - 1, clock, HERE, throttle.code_account(actors.ada.code))
    assert client.post("/v1/tokens", json=said).status_code == 201
    assert app.test_client().post("/v1/tokens", json=said).status_code == 429


def test_s04_a_mark_is_of_one_account_and_cannot_be_made(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    assert sign_in(client, PASSWORD, "carol@elsewhere.example").status_code == 201
    carols = client.get_cookie(COOKIE)
    assert carols is not None
    assert carols.http_only
    nonce, _, mac = carols.value.partition(".")
    try_often(SIGN_IN.pair, clock, HERE)
    for mark in (carols.value, f"{nonce}.", f".{mac}", "x", "", f"{nonce}.{'0' * 64}", "\u00fc.\u00fc", "." * 3_000):
        thief = app.test_client()
        thief.set_cookie(COOKIE, mark)
        assert sign_in(thief, PASSWORD).status_code == 429, mark
    # With a true one, too, there are so many guesses and no more.
    mark = throttle.new_mark(BOB)
    client.set_cookie(COOKIE, mark)
    for _ in range(SIGN_IN.pair - 1):
        count_attempt(Scope.SIGN_IN, BOB, Origin("203.0.113.9", mark), clock())
    assert sign_in(client).status_code == 401
    assert sign_in(client, PASSWORD).status_code == 429


def test_s04_the_pages_say_it_in_a_sentence(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    try_often(SIGN_IN.pair, clock, HERE)
    form = {"email": " BOB@clinic.example", "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in")}
    answer = client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")
    assert "Too many attempts. Try again in 15 minutes." in answer.get_data(as_text=True)
    clock.pass_by(minutes=15)
    assert client.post("/sign-in", data=form).status_code == 302
    clock.pass_by(hours=13)
    try_often(SIGN_IN.pair, clock, HERE)
    form["csrf_token"] = csrf_token(client, "/sign-in")
    assert client.post("/sign-in", data=form).status_code == 302


def test_s04_invites_are_not_guessed(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    said = {"password": PASSWORD, "device": "phone", "zone": "America/New_York"}
    try_often(ALLOWED[Scope.ENROLMENT].address, clock, HERE, None, Scope.ENROLMENT)
    with counted_argon2() as calls:
        answer = client.post("/v1/enrollments", json={**said, "code": "7K4M-QXW2-9TFB"})
    assert_problem(answer, 429)
    assert (answer.headers["Retry-After"], calls) == ("900", {})
    # Whoever has an account signs in all the same.
    assert sign_in(client, PASSWORD).status_code == 201


def test_s04_refresh_tokens_are_not_guessed_and_a_true_one_works_beside_the_guesses(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    pair = tokens_of(app, actors.bob)
    for guess in ("x", pair["access_token"], pair["refresh_token"][:-4] + "AAAA"):
        assert_problem(refresh(client, guess), 401)
    try_often(ALLOWED[Scope.REFRESH].address - 3, clock, HERE, None, Scope.REFRESH)
    refused = refresh(client, "x")
    assert_problem(refused, 429)
    assert refused.headers["Retry-After"] == "900"
    fresh = refresh(client, pair["refresh_token"])
    assert fresh.status_code == 201
    sign_in_id = one("SELECT id FROM sign_in")
    assert claims_of(pair["refresh_token"])["sid"] == str(sign_in_id)
    for _ in range(ALLOWED[Scope.REFRESH].pair - 1):
        count_own(Scope.REFRESH, sign_in_id, clock())
    assert_problem(refresh(client, fresh.get_json()["refresh_token"]), 429)
    # Not even looked at: once it may be, it works.
    clock.pass_by(minutes=15)
    assert refresh(client, fresh.get_json()["refresh_token"]).status_code == 201


def test_s04_a_stolen_phone_does_not_guess_the_password_and_holds_up_no_other(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    stolen, own = signed_in(app, actors.ada), signed_in(app, actors.ada)
    said = {"password": WRONG, "new_password": "another battery horse"}
    for _ in range(ALLOWED[Scope.PASSWORD].pair - 1):
        count_own(Scope.PASSWORD, uuid.UUID(claims_of(stolen["Authorization"].split()[1])["sid"]), clock())
    statuses = [client.post("/v1/me/password", json=said, headers=stolen).status_code for _ in range(3)]
    assert statuses == [422, 429, 429]
    said["password"] = PASSWORD
    assert client.post("/v1/me/password", json=said, headers=own).status_code == 201


def test_s04_what_is_counted_names_nobody_and_is_forgotten(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    sign_in(client, peer="203.0.113.9")
    counted = rows("SELECT scope, length(key_hash), count FROM attempt_count")
    assert counted == [("sign_in", 32, 1)] * 3
    job = next(job for job in JOBS if job.name == "forget_attempts")
    for minutes, left in ((14, 3), (1, 0)):
        clock.pass_by(minutes=minutes)
        job.run(clock())
        db.session.commit()
        assert one("SELECT count(*) FROM attempt_count") == left


def test_s04_argon2_runs_so_often_at_once_and_no_more(
    app: Flask, actors: Actors, settings: Settings, clock: Clock, patient_ones: None
) -> None:
    urls = settings.database_url, settings.migration_database_url
    narrow = create_app(settings_for(*urls, PASSWORDS_AT_ONCE="2"), now=clock)
    # At production's cost, so that they do meet.
    actors.bob.password_hash = PasswordHasher().hash(PASSWORD)
    db.session.commit()
    with counted_argon2() as calls:
        answers = concurrently(app, *[lambda: sign_in(narrow.test_client(), PASSWORD)] * 8)
    assert {answer.status_code for answer in answers} == {201}
    assert (calls.at_once, calls["verify"]) == (2, 8)
    with narrow.app_context():
        db.engine.dispose()


def test_s04_who_would_wait_too_long_for_argon2_is_told_so(
    client: FlaskClient, actors: Actors, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.01)
    places = passwords._places(settings.passwords_at_once)
    form = {"email": "bob@clinic.example", "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in")}
    for _ in range(settings.passwords_at_once):
        assert places.acquire(blocking=False)
    try:
        answer, page = sign_in(client, PASSWORD), client.post("/sign-in", data=form)
    finally:
        places.release(settings.passwords_at_once)
    assert_problem(answer, 503)
    assert page.status_code == 503
    assert answer.headers["Retry-After"] == page.headers["Retry-After"] == "5"
    assert sign_in(client, PASSWORD).status_code == 201
