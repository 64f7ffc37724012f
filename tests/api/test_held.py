"""The patient's row, held by the statement that lets a phone in: what it finds there, and how long it keeps it."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.database import one, owner
from tests.e2e.system import eventually
from tests.factories import Actors, check_in_body, new_id, signed_in, urge_body

WAYS = ("check-ins", "urges", "sync")


@pytest.fixture
def headers(app: Flask, client: FlaskClient, actors: Actors) -> dict[str, str]:
    """Of a phone whose sign-in was noted: only then does one statement do both."""
    headers = signed_in(app, actors.ada)
    assert client.get("/v1/me", headers=headers).status_code == 200
    return headers


def report(client: FlaskClient, way: str, clock: Clock, headers: Mapping[str, str]) -> TestResponse:
    if way == "sync":
        items = [{"kind": "check_in", "id": new_id(), "content": check_in_body(clock())}]
        return client.post("/v1/sync", json={"items": items}, headers=headers)
    body = check_in_body(clock()) if way == "check-ins" else urge_body(clock())
    return client.put(f"/v1/{way}/{new_id()}", json=body, headers=headers)


def reported_after(app: Flask, way: str, clock: Clock, headers: Mapping[str, str], changing: str) -> TestResponse:
    """The answer to a phone that waits for the row while `changing` is done to it."""
    with owner().connect() as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(text(changing))
        waiting = pool.submit(report, app.test_client(), way, clock, headers)
        eventually(lambda: one("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1, "it waits")
        connection.commit()
    return waiting.result()


@pytest.mark.parametrize("way", WAYS)
def test_whoever_waits_goes_on_from_what_was_written_meanwhile(
    app: Flask, clock: Clock, headers: dict[str, str], way: str
) -> None:
    assert reported_after(app, way, clock, headers, "UPDATE patient SET changes = 40").status_code in (200, 201)
    assert one("SELECT change FROM check_in UNION ALL SELECT change FROM urge") == 41


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "changing",
    ["UPDATE patient SET token_version = token_version + 1", "UPDATE patient SET active = false"],
    ids=["signed out everywhere", "closed"],
)
def test_whoever_waits_and_may_not_come_in_any_more_does_not(
    app: Flask, clock: Clock, headers: dict[str, str], way: str, changing: str
) -> None:
    assert_problem(reported_after(app, way, clock, headers, changing), 401)
    assert one("SELECT count(*) FROM check_in") + one("SELECT count(*) FROM urge") == 0


class Body(BytesIO):
    """What a phone sends. It notes whether the patient's row is free each time that some of it is asked for."""

    def __init__(self, said: bytes) -> None:
        super().__init__(said)
        self.free: list[bool] = []

    def readinto(self, into: Any) -> int:
        self.free.append(is_free())
        return super().readinto(into)


def is_free() -> bool:
    with owner().connect() as connection, suppress(OperationalError):
        connection.execute(text("SELECT 1 FROM patient FOR UPDATE NOWAIT"))
        return True
    return False


def test_nobody_waits_for_a_phone_that_is_slow_to_send(
    client: FlaskClient, clock: Clock, headers: dict[str, str]
) -> None:
    said = json.dumps(check_in_body(clock())).encode()
    body = Body(said)
    told: dict[str, Any] = {"content_type": "application/json", "content_length": len(said), "headers": headers}
    assert client.put(f"/v1/check-ins/{new_id()}", input_stream=body, **told).status_code == 201
    assert body.free
    assert all(body.free)


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"recorded_at": "2126-01-01T00:00:00Z"}, 422), (b"{", 400), (b" " * 2**21, 413)]
)
def test_what_is_refused_leaves_the_row_free(
    client: FlaskClient, clock: Clock, headers: dict[str, str], body: dict[str, str] | bytes, status: int
) -> None:
    said = body if isinstance(body, bytes) else json.dumps(check_in_body(clock()) | body if body else body).encode()
    answer = client.put(f"/v1/check-ins/{new_id()}", data=said, content_type="application/json", headers=headers)
    assert_problem(answer, status)
    assert is_free()


@pytest.mark.parametrize("way", WAYS)
def test_whoever_is_no_patient_holds_nothing_and_may_not(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, way: str
) -> None:
    assert_problem(report(client, way, clock, signed_in(app, actors.bob)), 403)
    assert is_free()
