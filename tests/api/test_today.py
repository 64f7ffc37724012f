"""GET /v1/today: all that the home screen needs."""

import gzip
import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.languages import LANGUAGES
from tests.conftest import Clock
from tests.factories import Actors, check_in_body, course_body, new_id, signed_in


def check_in(app: Flask, client: FlaskClient, actors: Actors, clock: Clock, back: int) -> None:
    body = check_in_body(clock() - timedelta(days=back), craving=back)
    answer = client.put(f"/v1/check-ins/{new_id()}", json=body, headers=signed_in(app, actors.ada))
    assert answer.status_code == 201


def test_due_until_it_is_done(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    headers = signed_in(app, actors.ada)
    today = client.get("/v1/today", headers=headers).get_json()
    assert (today["day"], today["check_in"], today["streak"]) == ("2026-05-04", "due", 0)
    assert (today["day_ends_at"], today["next_session"]) == ("2026-05-05T08:00:00Z", None)
    assert len(today["last_days"]) == 14
    check_in(app, client, actors, clock, back=0)
    today = client.get("/v1/today", headers=headers).get_json()
    assert (today["check_in"], today["streak"]) == ("done", 1)
    assert today["last_days"][0] == {
        "day": "2026-05-04", "done": True, "cut_short": False, "craving": 0, "mood": None,
    }  # fmt: skip


def test_a_streak_is_of_days_in_a_row_and_an_open_day_does_not_break_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    for back in (1, 2, 3, 5, 6):
        check_in(app, client, actors, clock, back)
    assert client.get("/v1/today", headers=signed_in(app, actors.ada)).get_json()["streak"] == 3
    check_in(app, client, actors, clock, back=0)
    assert client.get("/v1/today", headers=signed_in(app, actors.ada)).get_json()["streak"] == 4
    clock.pass_by(hours=36)
    assert client.get("/v1/today", headers=signed_in(app, actors.ada)).get_json()["streak"] == 0


def test_the_day_follows_the_patient_to_another_zone(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    headers = signed_in(app, actors.ada)
    for zone, day in (("Pacific/Kiritimati", "2026-05-05"), ("Pacific/Pago_Pago", "2026-05-04")):
        client.patch("/v1/me", json={"zone": zone}, headers=headers)
        assert client.get("/v1/today", headers=headers).get_json()["day"] == day
    clock.pass_by(hours=-9)
    headers = signed_in(app, actors.ada)
    assert client.get("/v1/today", headers=headers).get_json()["day"] == "2026-05-03"


def test_it_holds_only_the_patients_own_and_says_no_verdict(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    for back in range(14):
        check_in(app, client, actors, clock, back % 10)
    said = client.get("/v1/today", headers=signed_in(app, actors.ada)).get_data(as_text=True).lower()
    for word in ("alert", "relaps", "severe", "worse", "bob", "risk"):
        assert word not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_one_is_at_most_2_kib_on_the_wire(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, language: str
) -> None:
    course = course_body(first_day="2026-05-05", planned_sessions=36)
    courses = f"/v1/patients/{actors.ada.id}/courses"
    assert client.post(courses, json=course, headers=signed_in(app, actors.bob)).status_code == 201
    headers = signed_in(app, actors.ada)
    for back in range(20):
        body = check_in_body(
            clock() - timedelta(days=back), craving=round(back * 7 % 10 + 0.3, 1), mood=round(9.7 - back % 9, 1)
        )
        assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 201
    asked = headers | {"Accept-Encoding": "gzip", "Accept-Language": language}
    answer = client.get("/v1/today", headers=asked)
    said = json.loads(gzip.decompress(answer.data))
    assert (said["streak"], said["next_session"]["of"], answer.headers["Content-Language"]) == (20, 36, language)
    assert all(day["done"] for day in said["last_days"])
    assert len(answer.data) + len(str(answer.headers)) <= 2048
