"""GET /v1/today: all that the home screen needs."""

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.factories import Actors, check_in_body, new_id, signed_in


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
    assert today["last_days"][0] == {"day": "2026-05-04", "done": True, "craving": 0, "mood": None}


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
