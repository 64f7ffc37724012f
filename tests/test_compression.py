"""Gzip: for whoever takes it, and never for what holds a secret or is a page."""

import gzip
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.factories import PASSWORD, Actors, check_in_body, new_id, signed_in

TAKES = {"Accept-Encoding": "gzip"}


@pytest.fixture
def ada(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> dict[str, str]:
    """Her headers; she has checked in for a while."""
    headers = signed_in(app, actors.ada)
    for back in range(20):
        body = check_in_body(clock() - timedelta(days=back), note="a quiet day " * 100)
        assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 201
    return headers


def test_the_same_in_fewer_bytes(client: FlaskClient, ada: dict[str, str]) -> None:
    for url in ("/v1/today", "/v1/check-ins", "/v1/trend"):
        plain, small = client.get(url, headers=ada), client.get(url, headers=ada | TAKES)
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.data) == plain.data
        assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data) / 2
        assert plain.headers["ETag"] == small.headers["ETag"]
        for answer in (plain, small):
            assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("takes", ["", "identity", "gzip;q=0", "br", "deflate, zstd", "nonsense;q=x"])
def test_nobody_gets_what_they_do_not_take(client: FlaskClient, ada: dict[str, str], takes: str) -> None:
    assert "Content-Encoding" not in client.get("/v1/today", headers=ada | {"Accept-Encoding": takes}).headers


def test_the_etag_of_a_check_in_stays_for_if_match(client: FlaskClient, ada: dict[str, str]) -> None:
    one = client.get("/v1/check-ins?limit=1", headers=ada).get_json()["items"][0]
    answer = client.get(f"/v1/check-ins/{one['id']}", headers=ada | TAKES)
    assert answer.headers["ETag"] == one["etag"]
    assert "Content-Encoding" not in answer.headers


def test_small_answers_and_those_without_a_body_stay(client: FlaskClient, ada: dict[str, str]) -> None:
    have = client.get("/v1/today", headers=ada | TAKES).headers["ETag"]
    for url, more in (("/v1/me", {}), ("/v1/today", {"If-None-Match": have})):
        assert "Content-Encoding" not in client.get(url, headers=ada | TAKES | more).headers


def test_secrets_and_pages_are_never_compressed(
    app: Flask, client: FlaskClient, actors: Actors, ada: dict[str, str]
) -> None:
    code = {"code": actors.ada.code, "password": PASSWORD}
    answers = [
        client.post("/v1/tokens", json=code, headers=TAKES),
        client.get("/v1/me/export", headers=signed_in(app, actors.ada) | TAKES),
        client.get("/sign-in", headers=TAKES),
        client.get("/problems", headers=TAKES),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    for answer in answers:
        with answer:
            assert len(answer.data) > 500
            assert "Content-Encoding" not in answer.headers
