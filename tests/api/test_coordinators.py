"""Coordinators keep the schedule; what patients say and what is found in it is not theirs."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Member, Role
from server.services.care_teams import replace_care_team
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.database import digest, rows
from tests.factories import PASSWORD, Actors, check_in_body, course_body, make_member, new_id, signed_in
from tests.web.conftest import csrf_token


@pytest.fixture
def dora(actors: Actors, clock: Clock) -> Member:
    return make_member(actors.clinic, Role.COORDINATOR, "Dora", clock())


def test_an_admin_makes_a_coordinator(app: Flask, client: FlaskClient, actors: Actors) -> None:
    said = {"role": "coordinator", "name": "Dora", "email": "dora@clinic.example", "password": PASSWORD}
    made = client.post("/v1/members", json=said, headers=signed_in(app, actors.alice_admin))
    assert (made.status_code, made.get_json()["role"]) == (201, "coordinator")
    assert client.post("/v1/tokens", json={"email": said["email"], "password": PASSWORD}).status_code == 201


def test_adherence_is_days_and_nothing_of_what_was_said(
    app: Flask, client: FlaskClient, actors: Actors, dora: Member, clock: Clock
) -> None:
    ada = signed_in(app, actors.ada)
    for _ in range(2):
        said = check_in_body(clock(), note="a canary", mood=2)
        assert client.put(f"/v1/check-ins/{new_id()}", json=said, headers=ada).status_code == 201
        clock.pass_by(days=2)
        ada = signed_in(app, actors.ada)
    answer = client.get(f"/v1/patients/{actors.ada.id}/adherence", headers=signed_in(app, dora))
    assert answer.get_json() == {
        "first_day": "2026-02-08",
        "last_day": "2026-05-08",
        "checked_in": ["2026-05-04", "2026-05-06"],
    }
    clock.pass_by(days=87)
    later = client.get(f"/v1/patients/{actors.ada.id}/adherence", headers=signed_in(app, dora))
    assert later.get_json()["checked_in"] == ["2026-05-06"]


def test_a_coordinator_keeps_the_schedule(app: Flask, client: FlaskClient, actors: Actors, dora: Member) -> None:
    url = f"/v1/patients/{actors.ada.id}/courses"
    client.post(url, json=course_body(), headers=signed_in(app, actors.bob))
    theirs = signed_in(app, dora)
    (course,) = client.get(url, headers=theirs).get_json()["items"]
    first, *_ = client.get(f"/v1/courses/{course['id']}/sessions", headers=theirs).get_json()["items"]
    missed = client.patch(f"/v1/sessions/{first['id']}", json={"state": "missed"}, headers=theirs)
    assert (missed.status_code, missed.get_json()["state"]) == (200, "missed")


def test_a_coordinator_is_told_of_nothing(app: Flask, client: FlaskClient, actors: Actors, dora: Member) -> None:
    """No place in a care team, and so no mail; no page of an alert either."""
    bob, before = signed_in(app, actors.bob), digest()
    team = {"care_team": [str(actors.bob.id), str(dora.id)]}
    assert_problem(client.patch(f"/v1/patients/{actors.ada.id}", json=team, headers=bob), 422)
    assert digest() == before
    # On the pages there is her own second step for her, and nothing of a patient.
    form = {"email": dora.email, "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 302
    led = client.get("/alerts")
    assert (led.status_code, led.location) == (303, "/second-step")


def test_a_clinician_who_becomes_a_coordinator_leaves_the_teams(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    dan, alice = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock()), signed_in(app, actors.alice_admin)
    url, said = f"/v1/members/{actors.bob.id}", {"role": "coordinator"}
    assert_problem(client.patch(url, json=said, headers=alice), 409)
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    db.session.commit()
    assert client.patch(url, json=said, headers=alice).get_json()["role"] == "coordinator"
    assert rows("SELECT member_id FROM care_team") == [(dan.id,)]
