"""ETag and If-None-Match: what the phone has already is not sent again, and never what is out of date."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import Clock
from tests.factories import Actors, check_in_body, new_id, signed_in

OWN = ["/v1/today", "/v1/check-ins", "/v1/sessions", "/v1/me", "/v1/trend", "/v1/consents", "/v1/disclosures"]
Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(app: Flask, client: FlaskClient, actors: Actors) -> Ask:
    def get(url: str, have: str | None = None) -> TestResponse:
        headers = signed_in(app, actors.ada)
        return client.get(url, headers=headers | ({"If-None-Match": have} if have else {}))

    return get


@pytest.fixture
def check_in(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> Callable[[], None]:
    headers = signed_in(app, actors.ada)

    def put() -> None:
        body = check_in_body(clock() - timedelta(hours=1))
        assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 201

    return put


@pytest.mark.parametrize("url", OWN)
def test_what_the_phone_has_is_not_sent_again(ask: Ask, url: str) -> None:
    first = ask(url)
    etag = first.headers["ETag"]
    assert (first.status_code, etag[:3]) == (200, 'W/"')
    for have in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        again = ask(url, have)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
        assert again.headers["Cache-Control"] == "private, no-store"
    for have in ('"other"', "nonsense", "W/", '"' + "x" * 5_000):
        assert ask(url, have).status_code == 200


def test_today_is_another_once_the_day_is_over(ask: Ask, clock: Clock) -> None:
    have = ask("/v1/today").headers["ETag"]
    clock.pass_by(hours=11, minutes=59)
    assert ask("/v1/today", have).status_code == 304
    clock.pass_by(minutes=1)
    tomorrow = ask("/v1/today", have)
    assert (tomorrow.status_code, tomorrow.get_json()["day"]) == (200, "2026-05-05")
    assert tomorrow.headers["ETag"] != have


@pytest.mark.parametrize("url", ["/v1/today", "/v1/check-ins", "/v1/trend"])
def test_a_check_in_makes_them_new(ask: Ask, check_in: Callable[[], None], url: str) -> None:
    have = ask(url).headers["ETag"]
    check_in()
    assert ask(url, have).status_code == 200


def test_an_etag_opens_nothing(app: Flask, client: FlaskClient, ask: Ask) -> None:
    have = ask("/v1/today").headers["ETag"]
    assert client.get("/v1/today", headers={"If-None-Match": have}).status_code == 401
