"""Disabling members and changing their role: signed out at once, and never the last one who is needed."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.models import Member, Role
from server.services.care_teams import replace_care_team
from server.services.second_factor import enrol
from server.services.watch import assess
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.database import change, digest, digest_but_audit, one, rows
from tests.factories import PASSWORD, TOTP_SECRET, Actors, make_member, make_patient, signed_in


@pytest.fixture
def alice(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.alice_admin)


@pytest.fixture
def dan(actors: Actors, clock: Clock) -> Member:
    return make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())


def patch(client: FlaskClient, headers: dict[str, str], member: Member, **said: Any) -> TestResponse:
    return client.patch(f"/v1/members/{member.id}", json=said, headers=headers)


def test_a_member_is_disabled_and_enabled(app: Flask, client: FlaskClient, alice: dict[str, str], dan: Member) -> None:
    signing_in = {"email": dan.email, "password": PASSWORD}
    theirs = signed_in(app, dan)
    assert patch(client, alice, dan, active=False).get_json()["active"] is False
    assert_problem(client.get("/v1/alerts", headers=theirs), 401)
    assert_problem(client.post("/v1/tokens", json=signing_in), 401)
    assert patch(client, alice, dan, active=True).get_json()["active"] is True
    assert client.post("/v1/tokens", json=signing_in).status_code == 201
    listed = client.get("/v1/members", headers=alice).get_json()["items"]
    assert {member["name"]: member["active"] for member in listed} == {"Alice": True, "Bob": True, "Dan": True}


def test_a_new_role_is_a_new_sign_in(
    app: Flask, client: FlaskClient, alice: dict[str, str], dan: Member, clock: Clock
) -> None:
    theirs = signed_in(app, dan)
    assert patch(client, alice, dan, role="admin").get_json()["role"] == "admin"
    assert_problem(client.get("/v1/members", headers=theirs), 401)
    db.session.refresh(dan)
    first = client.get("/v1/members", headers=signed_in(app, dan))
    assert_problem(first, 403)
    assert first.get_json()["type"] == "/problems/mfa-enrolment-required"
    enrol(dan, TOTP_SECRET, clock())
    db.session.commit()
    assert client.get("/v1/members", headers=signed_in(app, dan)).status_code == 200


def test_what_changes_nothing_signs_nobody_out(
    app: Flask, client: FlaskClient, alice: dict[str, str], dan: Member
) -> None:
    theirs = signed_in(app, dan)
    before = digest_but_audit()
    for said in ({}, {"role": "clinician"}, {"active": True}, {"role": "clinician", "active": True}):
        assert patch(client, alice, dan, **said).status_code == 200
    assert digest_but_audit() == before
    assert client.get("/v1/alerts", headers=theirs).status_code == 200


def test_the_last_admin_stays(client: FlaskClient, actors: Actors, clock: Clock, alice: dict[str, str]) -> None:
    gone = make_member(actors.clinic, Role.ADMIN, "Grace", clock())
    make_member(actors.elsewhere, Role.ADMIN, "Frank", clock())
    assert patch(client, alice, gone, active=False).status_code == 200
    before = digest()
    for said in ({"active": False}, {"role": "clinician"}, {"role": "clinician", "active": False}):
        assert_problem(patch(client, alice, actors.alice_admin, **said), 409)
    assert digest() == before
    assert patch(client, alice, gone, active=True).status_code == 200
    assert patch(client, alice, actors.alice_admin, role="clinician").status_code == 200
    assert_problem(client.get("/v1/me", headers=alice), 401)


def test_the_last_who_hears_of_a_patient_stays(
    client: FlaskClient, actors: Actors, alice: dict[str, str], dan: Member
) -> None:
    before = digest()
    for said in ({"active": False}, {"role": "admin"}):
        assert_problem(patch(client, alice, actors.bob, **said), 409)
    assert digest() == before
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    db.session.commit()
    assert patch(client, alice, actors.bob, active=False).status_code == 200
    assert_problem(patch(client, alice, dan, active=False), 409)


def test_nobody_needs_to_hear_of_whom_no_phone_speaks_for(
    app: Flask, client: FlaskClient, actors: Actors, alice: dict[str, str]
) -> None:
    """Not enrolled yet, or disabled."""
    client.post("/v1/patients", json={"zone": "America/New_York"}, headers=signed_in(app, actors.bob))
    assert client.patch(f"/v1/patients/{actors.ada.id}", json={"active": False}, headers=alice).status_code == 200
    assert patch(client, alice, actors.bob, active=False).status_code == 200


def test_an_admin_hears_of_no_patient(client: FlaskClient, actors: Actors, alice: dict[str, str], dan: Member) -> None:
    """An admin cannot open alerts, so must not count as somebody who was told of one."""
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    db.session.commit()
    assert patch(client, alice, actors.bob, role="admin").status_code == 200
    assert rows("SELECT member_id FROM care_team") == [(dan.id,)]


def test_a_disabled_clinician_keeps_the_place(
    client: FlaskClient, actors: Actors, alice: dict[str, str], dan: Member
) -> None:
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    db.session.commit()
    for active in (False, True):
        assert patch(client, alice, actors.bob, active=active).status_code == 200
    assert rows("SELECT member_id FROM care_team ORDER BY position") == [(actors.bob.id,), (dan.id,)]


def test_a_role_is_one_of_those_who_work_here(client: FlaskClient, alice: dict[str, str], dan: Member) -> None:
    before = digest()
    for said in ({"role": "patient"}, {"role": "owner"}, {"active": "no"}, {"email": "x y"}, {"name": "Eve"}):
        assert_problem(patch(client, alice, dan, **said), 422)
    assert digest() == before


def test_a_disabled_patient_is_looked_at_once_more_and_then_no_longer(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    bob = signed_in(app, actors.bob)
    change("UPDATE watch SET due_at = :at", at=clock())
    said = client.patch(f"/v1/patients/{actors.ada.id}", json={"active": False}, headers=bob).get_json()
    assert said["active"] is False
    assert one("SELECT due_at FROM watch") == clock()
    assert assess([actors.ada.id], clock()) == 1
    db.session.commit()
    assert one("SELECT due_at FROM watch") is None


def test_enabled_again_a_patient_is_looked_at_again(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    bob, eve = signed_in(app, actors.bob), make_patient(actors.bob, clock())
    change("UPDATE patient SET active = false WHERE id = :id", id=eve.id)
    change("UPDATE watch SET due_at = NULL WHERE patient_id = :id", id=eve.id)
    client.patch(f"/v1/patients/{eve.id}", json={"active": True}, headers=bob)
    due = one("SELECT due_at::text FROM watch WHERE patient_id = :id", id=eve.id)
    assert due == "2026-05-05 08:00:00+00"
