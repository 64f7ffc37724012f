"""The pages of a forgotten password: any address alike, a GET that changes nothing, and the form's own token."""

import re
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.origin import Origin
from server.services.throttle import ALLOWED, Scope, count_attempt
from tests.conftest import Clock
from tests.database import digest
from tests.factories import PASSWORD, Actors
from tests.resets import NEW, ask, mailed, redeem
from tests.resets import sign_in as sign_in_by_api
from tests.web.conftest import csrf_token


@pytest.fixture
def link(app: Flask, client: FlaskClient, actors: Actors, outbox: list[EmailMessage]) -> str:
    ask(client)
    return f"/reset/{mailed(app, outbox)}"


def post(client: FlaskClient, url: str, **form: str) -> TestResponse:
    return client.post(url, data={"csrf_token": csrf_token(client, url), **form})


def test_from_the_sign_in_through_the_mail_to_the_new_password(
    app: Flask, client: FlaskClient, actors: Actors, outbox: list[EmailMessage]
) -> None:
    assert 'href="/reset"' in client.get("/sign-in").get_data(as_text=True)
    assert "on its way" in post(client, "/reset", email="Bob@clinic.example").get_data(as_text=True)
    answer = post(client, f"/reset/{mailed(app, outbox)}", password=NEW)
    assert (answer.status_code, answer.location) == (303, "/sign-in?new_password=1")
    assert "Your new password is set." in client.get(answer.location).get_data(as_text=True)
    for password, status in ((PASSWORD, 401), (NEW, 302)):
        assert post(client, "/sign-in", email=actors.bob.email, password=password).status_code == status


def test_looking_changes_nothing_and_tells_nothing(client: FlaskClient, link: str) -> None:
    """A mail scanner follows every link."""
    before, unknown = digest(), f"/reset/{'x' * 43}"
    seen = {re.sub(r'value="[^"]*"', "", client.get(url).get_data(as_text=True)) for url in (link, link, unknown)}
    assert client.head(link).status_code == 200
    assert len(seen) == 1
    assert link.rpartition("/")[2] not in seen.pop()
    assert digest() == before
    for odd in ("/reset/x", f"{link}x", f"{link}/x"):
        assert client.get(odd).status_code == 404


def test_the_link_stays_on_this_site(client: FlaskClient, link: str) -> None:
    """The page asks nothing of anybody else, and its address is nobody else's referrer."""
    answer = client.get(link)
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert not re.findall(r"(?:src|href|action)=\"(?!/[a-z])[^\"]*", answer.get_data(as_text=True))


def test_without_the_forms_own_token_nothing_happens(client: FlaskClient, link: str) -> None:
    before = digest()
    for url, form in (("/reset", {"email": "bob@clinic.example"}), (link, {"password": NEW})):
        assert client.post(url, data=form).status_code == 400
    assert digest() == before


def test_what_is_not_taken_is_said_and_loses_nothing(client: FlaskClient, link: str) -> None:
    weak = post(client, link, password="short")
    assert (weak.status_code, "12 to 256" in weak.get_data(as_text=True)) == (422, True)
    missing = client.post(link, data={"csrf_token": csrf_token(client, link)})
    assert missing.status_code == 422
    assert post(client, link, password=NEW).status_code == 303
    used = post(client, link, password=NEW)
    assert (used.status_code, "used or expired" in used.get_data(as_text=True)) == (422, True)
    assert redeem(client, link.rpartition("/")[2]).status_code == 422


def test_too_many_are_told_when_to_come_back(client: FlaskClient, link: str, clock: Clock) -> None:
    for _ in range(ALLOWED[Scope.RESET].address):
        count_attempt(Scope.RESET, None, Origin("127.0.0.2", ""), clock())
    elsewhere = {"REMOTE_ADDR": "127.0.0.2"}
    for url, form in (("/reset", {"email": "bob@clinic.example"}), (link, {"password": NEW})):
        form |= {"csrf_token": csrf_token(client, url)}
        answer = client.post(url, data=form, environ_overrides=elsewhere)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")
    assert sign_in_by_api(client, PASSWORD).status_code == 201
