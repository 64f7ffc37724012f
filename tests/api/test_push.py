"""PUT /v1/me/push: where a phone is reminded, what is taken for one, and until when."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import Parts, db
from server.jobs.upkeep import forget_sign_ins
from server.models import Ended, PushAddress
from server.senders import ServiceAccount
from server.services import push_addresses, sign_ins
from server.settings import Settings
from tests.api.problem import assert_problem, pointers
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors, bearer, make_patient, new_id, signed_in, tokens_of
from tests.push_services import Browser, Service

OWN = "/v1/me/push"
FCM = {"kind": "fcm", "token": "dQw4w9WgXcQ:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ"}
COUNT = "SELECT count(*) FROM push_address"


def web_push(**changes: Any) -> dict[str, Any]:
    """Each time another browser."""
    return Browser(f"https://fcm.googleapis.com/fcm/send/{new_id()}").body() | changes


@pytest.fixture
def ada(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.ada)


@pytest.fixture
def firebase(app: Flask, settings: Settings, clock: Clock) -> None:
    account = ServiceAccount.parse(json.dumps(Service(port=1).account()))
    app.extensions["interlude"] = Parts(replace(settings, fcm_credentials=account), clock, lambda _: None)


def test_a_phone_is_told_what_to_subscribe_with(client: FlaskClient, ada: dict[str, str], settings: Settings) -> None:
    key = settings.vapid_private_key
    assert key is not None
    said = client.get(OWN, headers=ada).get_json()
    assert said == {"web_push_key": key.public, "fcm": False, "kind": None, "given_at": None}


def test_an_address_is_given_taken_back_and_given_again(
    app: Flask, client: FlaskClient, ada: dict[str, str], clock: Clock
) -> None:
    body = web_push()
    for _ in range(2):
        answer = client.put(OWN, json=body, headers=ada)
        assert (answer.status_code, answer.get_json()["kind"]) == (200, "web_push")
        clock.pass_by(minutes=1)
    assert answer.get_json()["given_at"] == "2026-05-04T20:01:00Z"
    assert one(COUNT) == 1
    # Nothing of it is told again, and nothing of it lies open in the database.
    assert body["endpoint"] not in client.get(OWN, headers=ada).get_data(as_text=True)
    assert "googleapis" not in str(rows("SELECT p::text, encode(address_sealed, 'escape') FROM push_address p"))
    for _ in range(2):
        assert client.delete(OWN, headers=ada).status_code == 204
    assert one(COUNT) == 0


def test_each_device_has_one_and_the_newest_ten_stay(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    given = []
    for _ in range(12):
        headers, body = signed_in(app, actors.ada), web_push()
        clock.pass_by(seconds=1)
        for again in (web_push(), body):
            assert client.put(OWN, json=again, headers=headers).status_code == 200
        given.append(body["endpoint"])
    kept = [json.loads(row.address)["endpoint"] for row in db.session.query(PushAddress).order_by("given_at")]
    assert kept == given[2:]


def test_a_phone_reminds_whoever_signed_in_on_it_last(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    eve, body = make_patient(actors.bob, clock()), web_push()
    for who in (actors.ada, actors.ada, eve):
        assert client.put(OWN, json=body, headers=signed_in(app, who)).status_code == 200
        assert rows("SELECT patient_id FROM push_address") == [(who.id,)]


def test_two_sign_ins_at_once_on_one_phone(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    eve, body = make_patient(actors.bob, clock()), web_push()
    asking = [signed_in(app, who) for who in (actors.ada, eve)]
    said = concurrently(
        app, *[lambda headers=headers: client.put(OWN, json=body, headers=headers).status_code for headers in asking]
    )
    assert set(said) <= {200, 409}
    assert one(COUNT) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"endpoint": "https://169.254.169.254/latest/meta-data"}, "#/endpoint"),
        ({"endpoint": "https://push.evil.example/x"}, "#/endpoint"),
        ({"keys": {"p256dh": "x", "auth": "AAECAwQFBgcICQoLDA0ODw"}}, "#/keys/p256dh"),
        ({"keys": {"p256dh": "x"}}, "#/keys/auth"),
        ({"token": "x"}, "#/token"),
        ({"kind": "fcm"}, "#/token"),
        ({"kind": "apns"}, "#/kind"),
        ({"more": 1}, "#/more"),
    ],
    ids=str,
)
def test_what_is_none_is_refused_by_name(
    client: FlaskClient, ada: dict[str, str], changes: dict[str, Any], pointer: str
) -> None:
    answer = client.put(OWN, json=web_push(**changes), headers=ada)
    assert_problem(answer, 422)
    assert pointer in pointers(answer)
    assert "evil" not in answer.get_data(as_text=True)
    assert one(COUNT) == 0


def test_a_transport_that_is_off_takes_no_address(
    app: Flask, client: FlaskClient, ada: dict[str, str], settings: Settings, clock: Clock
) -> None:
    answer = client.put(OWN, json=FCM, headers=ada)
    assert_problem(answer, 422)
    assert answer.get_json()["errors"] == [
        {"pointer": "#/kind", "detail": "This service sends nothing through Firebase."}
    ]
    app.extensions["interlude"] = Parts(replace(settings, vapid_private_key=None), clock, lambda _: None)
    assert client.get(OWN, headers=ada).get_json()["web_push_key"] is None
    assert_problem(client.put(OWN, json=web_push(), headers=ada), 422)


@pytest.mark.usefixtures("firebase")
def test_firebase_when_it_is_on(client: FlaskClient, ada: dict[str, str]) -> None:
    said = client.put(OWN, json=FCM, headers=ada).get_json()
    assert (said["fcm"], said["kind"]) == (True, "fcm")
    assert client.put(OWN, json=web_push(), headers=ada).get_json()["kind"] == "web_push"
    assert one(COUNT) == 1


def test_it_ends_with_the_sign_in(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    """Nobody claims it from that moment on; the row goes within a day."""
    headers = bearer(tokens_of(app, actors.ada)["access_token"])
    client.put(OWN, json=web_push(), headers=headers)
    (phone,) = push_addresses.phones_of(actors.ada.id, clock())
    assert client.delete("/v1/tokens/current", headers=headers).status_code == 204
    db.session.rollback()
    assert push_addresses.phones_of(actors.ada.id, clock()) == []
    assert push_addresses.claim(phone, clock().date(), clock()) is None
    forget_sign_ins(clock())
    db.session.commit()
    assert one(COUNT) == 0


def test_a_sign_in_that_ran_out_or_was_ended_takes_it_along(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    for _ in range(2):
        client.put(OWN, json=web_push(), headers=signed_in(app, actors.ada))
    assert len(push_addresses.phones_of(actors.ada.id, clock())) == 2
    sign_ins.end_all(actors.ada, Ended.DISABLED, clock())
    assert push_addresses.phones_of(actors.ada.id, clock()) == []
    db.session.rollback()
    clock.pass_by(days=61)
    assert push_addresses.phones_of(actors.ada.id, clock()) == []
    forget_sign_ins(clock())
    assert one(COUNT) == 2
    db.session.commit()
    assert one(COUNT) == 0


def test_a_sign_in_that_goes_takes_it_along(app: Flask, client: FlaskClient, ada: dict[str, str]) -> None:
    client.put(OWN, json=web_push(), headers=ada)
    change("DELETE FROM sign_in")
    assert one(COUNT) == 0
