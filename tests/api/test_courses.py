"""Courses: sessions laid out by the clinic's wall clock, over weekdays, several a day, across DST."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import digest
from tests.factories import Actors, course_body, signed_in


@pytest.fixture
def headers(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.bob)


def create(client: FlaskClient, actors: Actors, headers: dict[str, str], **fields: Any) -> TestResponse:
    return client.post(f"/v1/patients/{actors.ada.id}/courses", json=course_body(**fields), headers=headers)


def sessions(client: FlaskClient, actors: Actors, headers: dict[str, str], **fields: Any) -> list[dict[str, Any]]:
    course = create(client, actors, headers, **fields)
    assert course.status_code == 201, course.get_json()
    listed = client.get(f"/v1/courses/{course.get_json()['id']}/sessions", headers=headers)
    return list(listed.get_json()["items"])


def test_once_a_day_on_weekdays(client: FlaskClient, actors: Actors, headers: dict[str, str]) -> None:
    laid = sessions(client, actors, headers, planned_sessions=30)
    assert [session["number"] for session in laid] == list(range(1, 31))
    assert (laid[0]["day"], laid[-1]["day"]) == ("2026-05-04", "2026-06-12")
    assert {session["starts_at"][10:] for session in laid} == {"T13:00:00Z"}
    assert {session["state"] for session in laid} == {"scheduled"}


def test_a_first_day_that_is_no_treatment_day_waits_for_one(
    client: FlaskClient, actors: Actors, headers: dict[str, str]
) -> None:
    laid = sessions(client, actors, headers, first_day="2026-05-09", weekdays=["tuesday", "friday"], planned_sessions=3)
    assert [session["day"] for session in laid] == ["2026-05-12", "2026-05-15", "2026-05-19"]


def test_several_a_day_in_an_accelerated_course(client: FlaskClient, actors: Actors, headers: dict[str, str]) -> None:
    laid = sessions(client, actors, headers, planned_sessions=12, sessions_per_day=10, gap_minutes=50)
    assert [session["day"] for session in laid] == ["2026-05-04"] * 10 + ["2026-05-05"] * 2
    starts = [session["starts_at"] for session in laid]
    assert starts == sorted(starts)
    assert (starts[0], starts[9]) == ("2026-05-04T13:00:00Z", "2026-05-04T20:30:00Z")


@pytest.mark.parametrize(
    ("first_day", "before", "after"),
    [("2026-03-06", "14:00", "13:00"), ("2026-10-30", "13:00", "14:00")],
)
def test_the_clinics_wall_clock_rules_across_dst(
    client: FlaskClient, actors: Actors, headers: dict[str, str], first_day: str, before: str, after: str
) -> None:
    laid = sessions(client, actors, headers, first_day=first_day, planned_sessions=2)
    assert [session["starts_at"][11:16] for session in laid] == [before, after]


def test_an_hour_that_dst_skips_or_repeats_is_one_session(
    client: FlaskClient, actors: Actors, headers: dict[str, str]
) -> None:
    for first_day, at in (("2026-03-08", "02:30"), ("2026-11-01", "01:30")):
        laid = sessions(
            client, actors, headers, first_day=first_day, starts_at=at, weekdays=["sunday"], planned_sessions=1
        )
        assert [session["day"] for session in laid] == [first_day]


def test_the_sessions_of_a_day_stay_in_it(client: FlaskClient, actors: Actors, headers: dict[str, str]) -> None:
    before = digest()
    for fields in ({"sessions_per_day": 12, "gap_minutes": 240}, {"starts_at": "23:30", "sessions_per_day": 2}):
        refused = create(client, actors, headers, **fields)
        assert_problem(refused, 422)
        assert pointers(refused) == ["#/gap_minutes"]
    assert digest() == before


@pytest.mark.parametrize(
    "fields",
    [
        {"first_day": "9999-12-31"},
        {"first_day": "9999-12-01", "planned_sessions": 100},
        {"first_day": "0001-01-01"},
        {"first_day": "20260504"},
        {"first_day": "2026-W19-1"},
        {"first_day": "2026-02-30"},
        {"planned_sessions": 0},
        {"planned_sessions": 101},
        {"planned_sessions": "3"},
        {"planned_sessions": 3.0},
        {"weekdays": []},
        {"weekdays": ["someday"]},
        {"weekdays": [[]]},
        {"sessions_per_day": 13},
        {"gap_minutes": 0},
        {"starts_at": "24:00"},
        {"starts_at": "9:00"},
        {"starts_at": "09:00\n"},
        {"indication": "boredom"},
    ],
    ids=str,
)
def test_a_course_that_cannot_be_is_refused(
    client: FlaskClient, actors: Actors, headers: dict[str, str], fields: dict[str, Any]
) -> None:
    refused = create(client, actors, headers, **fields)
    assert_problem(refused, 422)
    assert pointers(refused)[0].startswith(f"#/{next(iter(fields))}")


def test_a_session_is_moved_and_marked(client: FlaskClient, actors: Actors, headers: dict[str, str]) -> None:
    url = f"/v1/sessions/{sessions(client, actors, headers)[0]['id']}"
    moved = client.patch(url, json={"starts_at": "2026-05-07T03:30:00Z"}, headers=headers).get_json()
    assert (moved["day"], moved["starts_at"]) == ("2026-05-06", "2026-05-07T03:30:00Z")
    for state in ("attended", "missed", "cancelled", "scheduled"):
        assert client.patch(url, json={"state": state}, headers=headers).get_json()["state"] == state
    assert client.patch(url, json={}, headers=headers).get_json()["day"] == "2026-05-06"


def test_the_patient_sees_what_is_next(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    laid = sessions(client, actors, headers, first_day="2026-05-04", planned_sessions=3)
    mine = signed_in(app, actors.ada)
    today = client.get("/v1/today", headers=mine).get_json()
    assert (today["next_session"]["id"], today["next_session"]["number"], today["next_session"]["of"]) == (
        laid[1]["id"], 2, 3
    )  # fmt: skip
    client.patch(f"/v1/sessions/{laid[1]['id']}", json={"state": "cancelled"}, headers=headers)
    db.session.rollback()
    assert client.get("/v1/today", headers=mine).get_json()["next_session"]["number"] == 3
    assert [item["number"] for item in client.get("/v1/sessions", headers=mine).get_json()["items"]] == [1, 2, 3]
