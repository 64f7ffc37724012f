"""How often a phone's request asks the database, beside the begin and the end of its transaction."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from server.app import create_app
from server.extensions import db
from server.settings import Settings
from tests.conftest import Clock
from tests.factories import Actors, check_in_body, new_id, signed_in
from tests.statements import asked


@pytest.fixture
def headers(app: Flask, client: FlaskClient, actors: Actors) -> dict[str, str]:
    """Of a phone whose sign-in was noted: what is written each quarter of an hour is not counted here."""
    headers = signed_in(app, actors.ada)
    assert client.get("/v1/me", headers=headers).status_code == 200
    return headers


def test_the_first_check_in_of_a_day_asks_twice(client: FlaskClient, headers: dict[str, str], clock: Clock) -> None:
    url, body = f"/v1/check-ins/{new_id()}", check_in_body(clock(), craving=4)
    with asked() as said:
        assert client.put(url, json=body, headers=headers).status_code == 201
    # Who it is, for which clinic, and the row held; what is new, if nothing is known.
    assert len(said) == 2, said
    with asked() as said:
        assert client.put(url, json=body, headers=headers).status_code == 200
    # What is known, besides: nothing is new.
    assert len(said) == 3, said


def test_the_home_screen_asks_three_times(client: FlaskClient, headers: dict[str, str]) -> None:
    with asked() as said:
        assert client.get("/v1/today", headers=headers).status_code == 200
    assert len(said) == 3, said


def test_a_batch_asks_as_often_however_long_it_is(client: FlaskClient, headers: dict[str, str], clock: Clock) -> None:
    counts = []
    for days in (range(1, 3), range(3, 33)):
        items = [
            {"kind": "check_in", "id": new_id(), "content": check_in_body(clock() - timedelta(days=back, hours=twice))}
            for back in days
            for twice in range(2)
        ]
        with asked() as said:
            answer = client.post("/v1/sync", json={"items": items}, headers=headers)
        assert {one["result"] for one in answer.get_json()["results"]} == {"stored", "superseded"}
        counts.append(len(said))
    assert counts[0] == counts[1]


def test_statements_stay_prepared_whatever_is_read_in_between(
    settings: Settings, headers: dict[str, str], clock: Clock
) -> None:
    """psycopg prepares what comes often, and forgets all of it at a rollback. No request here is to need one."""
    alone = create_app(settings, now=clock)  # all of its requests go over one connection
    phone = alone.test_client()
    for back in range(8):
        assert phone.get("/v1/today", headers=headers).status_code == 200
        body = check_in_body(clock() - timedelta(days=back), craving=4)
        assert phone.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 201
    with alone.app_context():
        prepared = db.session.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
        db.session.remove()
        db.engine.dispose()
    # Who it is, held and not; of today the patient and the days; of a check-in what is new.
    assert len(prepared) == 5, prepared
