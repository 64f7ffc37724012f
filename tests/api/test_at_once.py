"""Two requests at one moment: what must be unique is, and the one that comes second is told so."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from server.models import Role
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import one
from tests.factories import PASSWORD, Actors, check_in_body, make_member, new_id, signed_in

Call = Callable[[FlaskClient], Any]


def statuses(app: Flask, *calls: Call) -> list[int]:
    def status(call: Call) -> int:
        return int(call(app.test_client()).status_code)

    return sorted(concurrently(app, *(partial(status, call) for call in calls)))


def test_one_email_address_is_one_member(app: Flask, actors: Actors) -> None:
    headers = signed_in(app, actors.alice_admin)
    said = {"role": "clinician", "name": "Dan", "email": "dan@clinic.example", "password": PASSWORD}
    calls: list[Call] = [lambda client: client.post("/v1/members", json=said, headers=headers)] * 3
    assert statuses(app, *calls) == [201, 409, 409]


def test_one_reference_is_one_patient(app: Flask, actors: Actors) -> None:
    headers = signed_in(app, actors.bob)
    said = {"zone": "America/New_York", "reference": "chart 7"}
    calls: list[Call] = [lambda client: client.post("/v1/patients", json=said, headers=headers)] * 3
    assert statuses(app, *calls) == [201, 409, 409]


def test_one_check_in_is_stored_once(app: Flask, actors: Actors, clock: Clock) -> None:
    url, headers = f"/v1/check-ins/{new_id()}", signed_in(app, actors.ada)
    body = check_in_body(clock(), self_harm_thoughts="yes")
    calls: list[Call] = [lambda client: client.put(url, json=body, headers=headers)] * 4
    assert statuses(app, *calls) == [200, 200, 200, 201]
    assert one("SELECT count(*) FROM alert_email") == 1


def test_of_many_check_ins_of_a_day_one_counts(app: Flask, actors: Actors, clock: Clock) -> None:
    headers = signed_in(app, actors.ada)
    calls: list[Call] = [
        lambda client: client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(clock()), headers=headers)
    ] * 5
    assert statuses(app, *calls) == [201] * 5
    assert one("SELECT count(*) FROM check_in WHERE counts") == 1
    assert one("SELECT id FROM check_in WHERE counts") == one("SELECT id FROM check_in ORDER BY id DESC LIMIT 1")


def test_one_invite_is_one_phone(app: Flask, client: FlaskClient, actors: Actors) -> None:
    invited = client.post(f"/v1/patients/{actors.ada.id}/invites", headers=signed_in(app, actors.bob)).get_json()
    said = {"code": invited["code"], "password": PASSWORD, "device": "phone", "zone": "America/New_York"}
    calls: list[Call] = [lambda client: client.post("/v1/enrollments", json=said)] * 3
    assert statuses(app, *calls) == [201, 422, 422]


def test_of_two_admins_who_disable_each_other_one_stays(app: Flask, actors: Actors, clock: Clock) -> None:
    grace = make_member(actors.clinic, Role.ADMIN, "Grace", clock())
    alice, told = actors.alice_admin, {"active": False}
    mine, hers = signed_in(app, alice), signed_in(app, grace)
    found = statuses(
        app,
        lambda client: client.patch(f"/v1/members/{grace.id}", json=told, headers=mine),
        lambda client: client.patch(f"/v1/members/{alice.id}", json=told, headers=hers),
    )
    # The second was let in before the first was done, or came when its account was disabled already.
    assert found in ([200, 409], [200, 401])
    assert one("SELECT count(*) FROM member WHERE role = 'admin' AND active") == 1


def test_of_two_new_passwords_one_is_set(app: Flask, client: FlaskClient, actors: Actors) -> None:
    here, there = signed_in(app, actors.ada), signed_in(app, actors.ada)
    words = ("another battery horse", "one more battery horse")

    def changing(headers: dict[str, str], word: str) -> Call:
        said = {"password": PASSWORD, "new_password": word}
        return lambda client: client.post("/v1/me/password", json=said, headers=headers)

    found = statuses(app, *(changing(headers, word) for headers, word in zip((here, there), words, strict=True)))
    assert found in ([201, 409], [201, 401])
    tried = [{"code": actors.ada.code, "password": word} for word in (PASSWORD, *words)]
    assert sorted(client.post("/v1/tokens", json=said).status_code for said in tried) == [201, 401, 401]
    assert one("SELECT count(*) FROM sign_in WHERE ended_at IS NULL") == 2
