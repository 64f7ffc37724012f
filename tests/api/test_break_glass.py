"""Breaking the glass: an hour with a colleague's patient, and a reason that the admin reads."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.problem import assert_problem, pointers
from tests.attacks.things import Things
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, signed_in

WHY = "on call, the patient is at the door"


def break_glass(app: Flask, client: FlaskClient, things: Things, name: str = "dan", why: str = WHY) -> TestResponse:
    url = f"/v1/patients/{things.patient}/break-glass"
    return client.post(url, json={"reason": why}, headers=signed_in(app, things.people[name]))


def seen_by(app: Flask, client: FlaskClient, things: Things, name: str = "dan") -> set[int]:
    """The answers to all that a clinician may ask about Ada."""
    headers = signed_in(app, things.people[name])
    urls = (
        *(f"/v1/patients/{things.patient}{rest}" for rest in ("", "/check-ins", "/trend", "/chart.svg", "/courses")),
        f"/v1/courses/{things.course}/sessions",
        f"/v1/alerts/{things.alert}",
    )
    return {client.get(url, headers=headers).status_code for url in urls}


def test_it_opens_one_patient_for_an_hour(app: Flask, client: FlaskClient, things: Things, clock: Clock) -> None:
    assert seen_by(app, client, things) == {404}
    answer = break_glass(app, client, things)
    assert answer.status_code == 201
    said = answer.get_json()
    assert (said["patient_id"], said["ends_at"]) == (str(things.patient), "2026-05-04T21:00:00Z")
    assert seen_by(app, client, things) == {200}
    headers = signed_in(app, things.people["dan"])
    for listed, id_ in (("patients", things.patient), ("alerts", things.alert)):
        items = client.get(f"/v1/{listed}", headers=headers).get_json()["items"]
        assert [item["id"] for item in items] == [str(id_)]
    assert client.get(f"/v1/patients/{things.people['eve'].id}", headers=headers).status_code == 404
    clock.pass_by(minutes=59, seconds=59)
    assert seen_by(app, client, things) == {200}
    clock.pass_by(seconds=1)
    assert seen_by(app, client, things) == {404}
    assert break_glass(app, client, things).status_code == 201
    assert seen_by(app, client, things) == {200}


def test_it_opens_for_the_one_who_broke_it(app: Flask, client: FlaskClient, things: Things) -> None:
    break_glass(app, client, things)
    assert seen_by(app, client, things, "carol") == {404}
    assert seen_by(app, client, things, "bob") == {200}


def test_the_admin_reads_who_when_and_why(app: Flask, client: FlaskClient, things: Things, actors: Actors) -> None:
    said = break_glass(app, client, things).get_json()
    headers = signed_in(app, actors.alice_admin)
    (event,) = client.get("/v1/audit-events?action=break_glass", headers=headers).get_json()["items"]
    assert (event["actor_id"], event["reason"]) == (str(things.people["dan"].id), WHY)
    assert (event["patients"], event["what"]) == ([str(things.patient)], {"break_glass": said["id"]})


def test_nobody_is_mailed(app: Flask, client: FlaskClient, things: Things) -> None:
    before = one("SELECT count(*) FROM alert_email")
    break_glass(app, client, things)
    assert one("SELECT count(*) FROM alert_email") == before


def test_who_cares_for_the_patient_has_no_glass_to_break(app: Flask, client: FlaskClient, things: Things) -> None:
    assert_problem(break_glass(app, client, things, "bob"), 409)
    assert one("SELECT count(*) FROM break_glass") == 0


@pytest.mark.parametrize("why", ["", "urgent", "x" * 501, "          ", "a\0b" * 9])
def test_it_takes_a_reason(app: Flask, client: FlaskClient, things: Things, why: str) -> None:
    refused = break_glass(app, client, things, why=why)
    assert_problem(refused, 422)
    assert set(pointers(refused)) == {"#/reason"}
    assert one("SELECT count(*) FROM break_glass") == 0
