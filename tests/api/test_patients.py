"""The caseload: patients, their care teams, and who works here."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.models import Role
from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import digest, one
from tests.factories import PASSWORD, Actors, check_in_body, make_member, new_id, signed_in

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def headers(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.bob)


def patch(client: FlaskClient, actors: Actors, headers: dict[str, str], **fields: Any) -> TestResponse:
    return client.patch(f"/v1/patients/{actors.ada.id}", json=fields, headers=headers)


def test_what_is_changed_is_changed_and_nothing_else(
    client: FlaskClient, actors: Actors, headers: dict[str, str]
) -> None:
    url = f"/v1/patients/{actors.ada.id}"
    before = client.get(url, headers=headers).get_json()
    for fields in (
        {"reference": "chart 7"},
        {"reference": None},
        {"zone": "Europe/Oslo"},
        {"language": "es"},
        {"region": "US-NY"},
        {"monitored_from": "2026-05-01", "monitored_until": "2026-07-01"},
        {"monitored_until": None},
        {"paused": True},
        {},
    ):
        before |= fields
        assert patch(client, actors, headers, **fields).get_json() == before
        assert client.get(url, headers=headers).get_json() == before


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"zone": "Mars/Base"}, "#/zone"),
        ({"zone": None}, "#/zone"),
        ({"monitored_from": "2026-05-02", "monitored_until": "2026-05-01"}, "#/monitored_until"),
        ({"monitored_until": "2020-01-01"}, "#/monitored_until"),
        ({"paused": "yes"}, "#/paused"),
        ({"paused": 1}, "#/paused"),
        ({"paused": None}, "#/paused"),
        ({"region": "us"}, "#/region"),
        ({"region": "US\n"}, "#/region"),
        ({"language": "english!"}, "#/language"),
        ({"care_team": ["bob"]}, "#/care_team/0"),
        ({"care_team": [NOBODY]}, "#/care_team"),
        ({"care_team": None}, "#/care_team"),
        ({"code": "7K4M-QXW2"}, "#/code"),
        ({"clinic_id": NOBODY}, "#/clinic_id"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(
    client: FlaskClient, actors: Actors, headers: dict[str, str], fields: dict[str, Any], pointer: str
) -> None:
    before = digest()
    refused = patch(client, actors, headers, **fields)
    assert_problem(refused, 422)
    assert pointers(refused) == [pointer]
    assert digest() == before


def test_the_team_is_made_of_active_clinicians_of_the_clinic(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    gone = make_member(actors.clinic, Role.CLINICIAN, "Gone", clock())
    gone.active = False
    db.session.commit()
    team = [str(dan.id), str(actors.bob.id)]
    assert patch(client, actors, headers, care_team=team).get_json()["care_team"] == team
    for stranger in (actors.carol, actors.alice_admin, gone):
        assert_problem(patch(client, actors, headers, care_team=[str(stranger.id)]), 422)
    assert patch(client, actors, headers, care_team=[team[0]] * 2).get_json()["care_team"] == [team[0]]


def test_a_reference_is_one_patients_in_one_clinic(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str]
) -> None:
    new = {"zone": "America/New_York", "reference": "chart 7"}
    assert client.post("/v1/patients", json=new, headers=headers).status_code == 201
    assert_problem(client.post("/v1/patients", json=new, headers=headers), 409)
    assert_problem(patch(client, actors, headers, reference="chart 7"), 409)
    assert client.post("/v1/patients", json=new, headers=signed_in(app, actors.carol)).status_code == 201


def test_a_change_does_not_put_off_a_look_that_is_due(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(clock()), headers=signed_in(app, actors.ada))
    clock.pass_by(seconds=10)
    patch(client, actors, headers, paused=True)
    assert one("SELECT due_at FROM watch") <= clock()


def test_own_zone_and_language(app: Flask, client: FlaskClient, actors: Actors) -> None:
    mine = signed_in(app, actors.ada)
    changed = client.patch("/v1/me", json={"zone": "Pacific/Auckland", "language": "es-MX"}, headers=mine)
    assert changed.get_json() == client.get("/v1/me", headers=mine).get_json()
    assert (changed.get_json()["zone"], changed.get_json()["language"]) == ("Pacific/Auckland", "es-MX")
    for fields in ({"zone": "Nowhere"}, {"language": "<b>"}, {"region": "DE"}, {"code": "x"}):
        assert_problem(client.patch("/v1/me", json=fields, headers={**mine, "Accept-Language": "en"}), 422)


def test_members_are_the_clinics_own(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.alice_admin)
    said = {"role": "clinician", "name": "Dan", "email": "Dan@Clinic.Example", "password": PASSWORD}
    made = client.post("/v1/members", json=said, headers=headers)
    assert (made.status_code, made.get_json()["email"]) == (201, "dan@clinic.example")
    assert "password" not in made.get_data(as_text=True)
    listed = client.get("/v1/members", headers=headers).get_json()["items"]
    assert [member["name"] for member in listed] == ["Alice", "Bob", "Dan"]
    before = digest()
    for email in ("dan@clinic.example", "BOB@clinic.example", "carol@elsewhere.example"):
        assert_problem(client.post("/v1/members", json={**said, "email": email}, headers=headers), 409)
    for wrong in (
        {"password": "elevenchars"},
        {"password": "Password1234"},
        {"password": "eve.clinic.2026"},
        {"role": "patient"},
        {"email": "dan"},
        {"email": "d@e.example\n"},
        {"email": "a@b.example, c@d.example"},
        {"email": "\u00fc@clinic.example"},
        {"email": "\u1c89@clinic.example"},
        {"email": '"\x01"@clinic.example'},
        {"email": '"a b"@clinic.example'},
        {"name": ""},
    ):
        refused = client.post("/v1/members", json={**said, "email": "eve@clinic.example", **wrong}, headers=headers)
        assert_problem(refused, 422)
    assert digest() == before
