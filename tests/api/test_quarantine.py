"""What a patient reported and was refused is kept, once, for the care team to settle."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.services import quarantine
from tests.api.problem import assert_problem
from tests.audited import events
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import CANARY, Actors, check_in_body, make_patient, new_id, signed_in, urge_body

Listed = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def headers(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.ada)


@pytest.fixture
def listed(app: Flask, client: FlaskClient, actors: Actors) -> Listed:
    """As Bob sees them."""

    def read() -> list[dict[str, Any]]:
        answer = client.get(f"/v1/patients/{actors.ada.id}/quarantine", headers=signed_in(app, actors.bob))
        items: list[dict[str, Any]] = answer.get_json()["items"]
        return items

    return read


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        ({"craving": 11}, ["#/craving"]),
        ({"craving": None}, ["#"]),
        ({"zebra": CANARY, "mood": "low"}, ["#", "#/mood"]),
        ({f"{CANARY}/x": 1}, ["#"]),
        ({"zone": "Mars/Base"}, ["#/zone"]),
        ({"recorded_at": "2020-01-01T00:00:00Z"}, ["#/recorded_at"]),
        ({"recorded_at": "2030-01-01T00:00:00Z"}, ["#/recorded_at"]),
        ({"triggers": ["stress", "tea"]}, ["#/triggers/1"]),
    ],
)
def test_what_is_refused_for_its_content_is_kept_once(
    client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock, wrong: dict[str, Any], pointers: Any
) -> None:
    id_, body = new_id(), check_in_body(clock(), note=CANARY) | wrong
    for _ in range(3):
        assert_problem(client.put(f"/v1/check-ins/{id_}", json=body, headers=headers), 422)
    (item,) = listed()
    assert (item["kind"], item["reported_id"], item["problem"]) == ("check_in", id_, "invalid")
    assert item["pointers"] == pointers
    assert json.loads(item["said"]) == body
    assert (item["outcome"], item["cut"], item["received_at"]) == (None, False, "2026-05-04T20:00:00Z")
    kept = str(rows("SELECT t::text, encode(said_sealed, 'escape') FROM quarantined_item t"))
    assert CANARY not in kept


def test_another_body_or_id_or_kind_is_another_item(
    client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock
) -> None:
    id_, wrong = new_id(), urge_body(clock(), craving=11)
    client.put(f"/v1/check-ins/{id_}", json=wrong, headers=headers)
    client.put(f"/v1/urges/{id_}", json=wrong, headers=headers)
    client.put(f"/v1/urges/{new_id()}", json=wrong, headers=headers)
    client.put(f"/v1/urges/{id_}", json=wrong | {"craving": 12}, headers=headers)
    # The order of its names says nothing.
    client.put(f"/v1/urges/{id_}", json=dict(reversed(wrong.items())), headers=headers)
    assert len(listed()) == 4


def test_a_later_report_under_the_id_settles_it(
    client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock
) -> None:
    kept, settled = new_id(), new_id()
    for id_ in (kept, settled):
        client.put(f"/v1/check-ins/{id_}", json=check_in_body(clock(), craving=11), headers=headers)
    assert client.put(f"/v1/check-ins/{settled}", json=check_in_body(clock()), headers=headers).status_code == 201
    assert {item["reported_id"]: item["outcome"] for item in listed()} == {kept: None, settled: "superseded"}
    assert one("SELECT quarantined FROM patient WHERE quarantined > 0") == 1


def test_a_refused_edit_waits_and_the_stored_one_said_again_does_not_settle_it(
    client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock
) -> None:
    url, body = f"/v1/check-ins/{new_id()}", check_in_body(clock())
    client.put(url, json=body, headers=headers)
    client.put(url, json=body | {"craving": 11}, headers=headers | {"If-Match": "*"})
    client.put(url, json=body, headers=headers)
    assert [item["outcome"] for item in listed()] == [None]
    client.put(url, json=body | {"craving": 10}, headers=headers | {"If-Match": "*"})
    assert [item["outcome"] for item in listed()] == ["superseded"]


def test_what_conflicts_or_cannot_be_read_is_the_phones_own_to_solve(
    client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock
) -> None:
    url, body = f"/v1/check-ins/{new_id()}", check_in_body(clock())
    client.put(url, json=body, headers=headers)
    client.put(url, json=body | {"craving": 4}, headers=headers)
    client.put(url, json=body | {"craving": 4}, headers=headers | {"If-Match": '"1-old"'})
    client.put(url, data=b"{", headers=headers | {"Content-Type": "application/json"})
    client.put(url, json=[body], headers=headers)
    assert listed() == []


def test_a_person_settles_it_with_a_reason_once(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], listed: Listed, clock: Clock
) -> None:
    client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(clock(), craving=11), headers=headers)
    (item,) = listed()
    url = f"/v1/patients/{actors.ada.id}/quarantine/{item['id']}/resolve"
    said, bob = {"outcome": "dismissed", "reason": f"{CANARY} typed 11 for 1"}, signed_in(app, actors.bob)
    for _ in range(2):
        answer = client.post(url, json=said, headers=bob)
        assert (answer.status_code, answer.get_json()["outcome"]) == (200, "dismissed")
    assert answer.get_json()["settled_by"] == str(actors.bob.id)
    assert_problem(client.post(url, json=said | {"outcome": "entered"}, headers=bob), 409)
    for wrong in (
        {"outcome": "superseded", "reason": "x"},
        {"outcome": "entered"},
        {"outcome": "entered", "reason": ""},
    ):
        assert_problem(client.post(url, json=wrong, headers=bob), 422)
    # Sent once more it is the same row, and stays settled.
    client.put(f"/v1/check-ins/{item['reported_id']}", json=json.loads(item["said"]), headers=headers)
    assert [found["outcome"] for found in listed()] == ["dismissed"]
    assert one("SELECT sum(quarantined) FROM patient") == 0
    named = events("action, patients, what->>'quarantined'")
    assert ("quarantine_settled", [actors.ada.id], item["id"]) in named
    assert CANARY not in str(rows("SELECT t::text, encode(reason_sealed, 'escape') FROM quarantined_item t"))


def test_another_patients_item_is_not_there(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], listed: Listed, clock: Clock
) -> None:
    eve = make_patient(actors.bob, clock())
    client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(clock(), craving=11), headers=headers)
    url = f"/v1/patients/{eve.id}/quarantine/{listed()[0]['id']}/resolve"
    said = {"outcome": "dismissed", "reason": "of another"}
    assert_problem(client.post(url, json=said, headers=signed_in(app, actors.bob)), 404)


def test_a_patient_fills_it_up_to_a_bound_and_the_list_says_so(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(quarantine, "MOST", 3)
    for _ in range(5):
        answer = client.put(f"/v1/urges/{new_id()}", json=urge_body(clock(), craving=11), headers=headers)
        assert_problem(answer, 422)
    said = client.get(f"/v1/patients/{actors.ada.id}/quarantine", headers=signed_in(app, actors.bob)).get_json()
    assert (len(said["items"]), said["full"]) == (3, True)


def test_a_long_one_is_cut(client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock) -> None:
    body = check_in_body(clock(), note="long " * 20_000)
    assert_problem(client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers), 422)
    (item,) = listed()
    assert (len(item["said"]), item["cut"]) == (quarantine.LONGEST, True)


def test_a_yes_in_it_is_heard_first(client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock) -> None:
    body = check_in_body(clock(), craving=11, self_harm_thoughts="yes")
    client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers)
    assert len(listed()) == 1
    assert rows("SELECT rule FROM alert") == [("safety_concern",)]


def test_of_whoever_takes_no_part_nothing_is_kept_and_a_yes_is_heard(
    client: FlaskClient, headers: dict[str, str], listed: Listed, clock: Clock
) -> None:
    (consent,) = client.get("/v1/consents", headers=headers).get_json()["items"]
    assert client.delete(f"/v1/consents/{consent['id']}", headers=headers).status_code == 204
    body = check_in_body(clock(), craving=11, self_harm_thoughts="yes")
    assert_problem(client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers), 422)
    assert_problem(client.put(f"/v1/urges/{new_id()}", json=urge_body(clock()), headers=headers), 403)
    assert listed() == []
    assert rows("SELECT rule FROM alert") == [("safety_concern",)]
