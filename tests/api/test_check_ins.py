"""PUT and GET /v1/check-ins."""

import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import digest, one, rows
from tests.factories import Actors, check_in_body, make_patient, new_id, signed_in


@pytest.fixture
def headers(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.ada)


def put(client: FlaskClient, headers: dict[str, str], body: dict[str, Any], id_: str | None = None) -> TestResponse:
    return client.put(f"/v1/check-ins/{id_ or new_id()}", json=body, headers=headers)


def test_a_check_in_is_stored_once_however_often_it_is_sent(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    url, headers = f"/v1/check-ins/{new_id()}", signed_in(app, actors.ada)
    body = check_in_body(clock(), craving=4.5, mood=6, used="no", triggers=["stress"])
    first = client.put(url, json=body, headers=headers)
    clock.pass_by(minutes=20)
    again = client.put(url, json=body, headers=headers)
    listed = client.get("/v1/check-ins", headers=signed_in(app, actors.ada))
    assert (first.status_code, again.status_code) == (201, 200), first.get_json()
    assert first.get_json() == again.get_json()
    assert first.get_json()["counts"] is True
    assert first.get_json()["day"] == "2026-05-04"
    assert first.get_json()["support"]["lines"][0]["phone"] == "988"
    assert "real time" in first.get_json()["support"]["notice"]
    assert [item["craving"] for item in listed.get_json()["items"]] == [4.5]


def test_a_retry_a_year_later_is_still_the_same(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    id_, body = new_id(), check_in_body(clock())
    put(client, signed_in(app, actors.ada), body, id_)
    clock.pass_by(days=365)
    assert put(client, signed_in(app, actors.ada), body, id_).status_code == 200


def test_other_content_under_a_known_id_is_refused_unless_it_says_what_it_edits(
    client: FlaskClient, headers: dict[str, str], clock: Clock
) -> None:
    id_, body = new_id(), check_in_body(clock(), mood=5, triggers=["stress"])
    put(client, headers, body, id_)
    before = digest()
    changes: list[dict[str, Any]] = [
        {"craving": 4}, {"mood": None}, {"note": "more"}, {"triggers": []}, {"zone": "Europe/London"}
    ]  # fmt: skip
    for change in changes:
        assert_problem(put(client, headers, body | change, id_), 428)
    assert digest() == before


def test_an_empty_note_is_none(client: FlaskClient, headers: dict[str, str], clock: Clock) -> None:
    """As an app sends it whose field was left empty; and the same again without it is the same."""
    id_, body = new_id(), check_in_body(clock())
    stored = put(client, headers, body | {"note": ""}, id_)
    assert (stored.status_code, stored.get_json()["note"]) == (201, None)
    assert put(client, headers, body, id_).status_code == 200
    assert put(client, headers, body | {"note": ""}, id_).status_code == 200
    assert one("SELECT note_sealed FROM check_in") is None


def test_two_patients_may_use_the_same_id(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    id_ = new_id()
    eve = make_patient(actors.bob, clock())
    for who, craving in ((actors.ada, 2), (eve, 8)):
        answer = put(client, signed_in(app, who), check_in_body(clock(), craving=craving), id_)
        assert (answer.status_code, answer.get_json()["craving"]) == (201, craving)
    assert rows("SELECT count(*) FROM check_in WHERE id = :id", id=id_) == [(2,)]


@pytest.mark.parametrize("order", ["abc", "bca", "cab", "cba"])
def test_the_latest_of_a_day_counts_whatever_the_order(
    client: FlaskClient, headers: dict[str, str], clock: Clock, order: str
) -> None:
    bodies = {
        "a": check_in_body(clock.at.replace(hour=15), craving=1),
        "b": check_in_body(clock.at.replace(hour=19), craving=2),
        "c": check_in_body(clock.at.replace(hour=17), craving=3),
    }
    for name in order:
        assert put(client, headers, bodies[name]).status_code == 201
    assert rows("SELECT craving FROM check_in WHERE counts") == [(2,)]


@pytest.mark.parametrize("first_is_greater", [True, False])
def test_of_two_at_one_instant_the_greatest_id_counts(
    client: FlaskClient, headers: dict[str, str], clock: Clock, first_is_greater: bool
) -> None:
    low, high = sorted([uuid.uuid4(), uuid.uuid4()])
    for id_ in (high, low) if first_is_greater else (low, high):
        put(client, headers, check_in_body(clock()), str(id_))
    assert one("SELECT id FROM check_in WHERE counts") == high


def test_support_follows_the_region(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    elsewhere = make_patient(actors.bob, clock(), region="DE")
    answer = put(client, signed_in(app, elsewhere), check_in_body(clock()))
    assert [line["phone"] for line in answer.get_json()["support"]["lines"]] == ["112"]


@pytest.mark.parametrize("rating", [0, 0.1, 7.9, 7, 10, 10.0, 0.0, -0.0])
def test_a_rating_is_kept_as_it_was_given(
    client: FlaskClient, headers: dict[str, str], clock: Clock, rating: float
) -> None:
    answer = put(client, headers, check_in_body(clock(), craving=rating))
    assert answer.get_json()["craving"] == rating
    assert float(one("SELECT craving FROM check_in")) == rating


@pytest.mark.parametrize("field", ["craving", "mood", "sleep_quality", "stress", "confidence"])
def test_what_is_no_rating_is_refused(client: FlaskClient, headers: dict[str, str], clock: Clock, field: str) -> None:
    wrong: object
    for wrong in (7.95, "7", "7.9", "\u0667", True, False, 10.1, -0.1, 11, 1e-9, [7], {}, "", 1e30, 10**30):
        answer = put(client, headers, check_in_body(clock(), **{field: wrong}))
        assert_problem(answer, 422)
        assert pointers(answer) == [f"#/{field}"], wrong


@pytest.mark.parametrize("said", [{"craving": None}, {"craving": None, "mood": None}, {"craving": None, "stress": 3}])
def test_a_check_in_says_something(
    client: FlaskClient, headers: dict[str, str], clock: Clock, said: dict[str, Any]
) -> None:
    answer = put(client, headers, check_in_body(clock()) | said)
    assert_problem(answer, 422)
    assert pointers(answer) == ["#"]


def test_one_of_craving_and_mood_is_enough(client: FlaskClient, headers: dict[str, str], clock: Clock) -> None:
    assert put(client, headers, check_in_body(clock(), craving=None, mood=3)).status_code == 201


def test_choices_are_named_once(client: FlaskClient, headers: dict[str, str], clock: Clock) -> None:
    answer = put(client, headers, check_in_body(clock(), triggers=["stress", "stress"], substances=["tea"]))
    assert_problem(answer, 422)
    assert pointers(answer) == ["#/substances/0"]
    answer = put(client, headers, check_in_body(clock(), triggers=["stress", "stress"]))
    assert pointers(answer) == ["#/triggers"]
