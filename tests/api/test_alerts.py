"""Triage over the API."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.problem import assert_problem, pointers
from tests.attacks.things import Things
from tests.conftest import Clock
from tests.database import digest, digest_but_audit, rows
from tests.factories import signed_in


@pytest.fixture
def url(things: Things) -> str:
    return f"/v1/alerts/{things.alert}"


@pytest.fixture
def headers(app: Flask, things: Things) -> dict[str, str]:
    return signed_in(app, things.people["bob"])


def test_an_alert_shows_what_it_rests_on(client: FlaskClient, url: str, headers: dict[str, str]) -> None:
    shown = client.get(url, headers=headers).get_json()
    assert (shown["rule"], shown["severity"], shown["state"]) == ("safety_concern", "urgent", "open")
    assert shown["basis"] == ["2026-05-04"]
    assert [event["kind"] for event in shown["events"]] == ["raised"]
    assert shown["readings"][0] | {"in_basis": None} == {
        "day": "2026-05-04", "craving": 3.0, "mood": None, "in_basis": None
    }  # fmt: skip
    assert len(shown["readings"]) == 22


def test_acknowledge_then_resolve_each_once(
    client: FlaskClient, url: str, headers: dict[str, str], things: Things, clock: Clock
) -> None:
    acknowledged = client.post(f"{url}/acknowledge", headers=headers).get_json()
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("acknowledged", str(things.people["bob"].id))
    after = digest_but_audit()
    clock.pass_by(minutes=5)
    assert client.post(f"{url}/acknowledge", headers=headers).get_json() == acknowledged
    assert digest_but_audit() == after
    said = {"outcome": "contacted_patient", "note": "by phone"}
    resolved = client.post(f"{url}/resolve", json=said, headers=headers).get_json()
    assert (resolved["state"], resolved["outcome"]) == ("resolved", "contacted_patient")
    after = digest_but_audit()
    assert client.post(f"{url}/resolve", json=said, headers=headers).get_json() == resolved
    assert_problem(client.post(f"{url}/resolve", json={"outcome": "referred"}, headers=headers), 409)
    assert_problem(client.post(f"{url}/acknowledge", headers=headers), 409)
    assert digest_but_audit() == after
    assert client.get(url, headers=headers).get_json()["outcome_note"] == "by phone"
    assert rows("SELECT kind FROM alert_event ORDER BY id") == [("raised",), ("acknowledged",), ("resolved",)]


def test_resolving_what_nobody_acknowledged_acknowledges_it(
    client: FlaskClient, url: str, headers: dict[str, str]
) -> None:
    resolved = client.post(
        f"{url}/resolve", json={"outcome": "false_alarm", "note": "misread"}, headers=headers
    ).get_json()
    assert resolved["acknowledged_at"] == resolved["resolved_at"] is not None


def test_a_safety_concern_is_closed_with_words(client: FlaskClient, url: str, headers: dict[str, str]) -> None:
    before = digest()
    for note in ({}, {"note": None}):
        refused = client.post(f"{url}/resolve", json={"outcome": "contacted_patient", **note}, headers=headers)
        assert_problem(refused, 422)
        assert pointers(refused) == ["#/note"]
    assert digest() == before


@pytest.mark.parametrize(
    "said", [{}, {"outcome": None}, {"outcome": "fine"}, {"outcome": "referred", "note": "x" * 2001}]
)
def test_an_outcome_is_from_the_list(
    client: FlaskClient, url: str, headers: dict[str, str], said: dict[str, str]
) -> None:
    before = digest()
    refused = client.post(f"{url}/resolve", json=said, headers=headers)
    assert_problem(refused, 422)
    assert pointers(refused) == ["#/note" if "note" in said else "#/outcome"]
    assert digest() == before
