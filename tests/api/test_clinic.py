"""The clinic and its limits: a change is a new version, from today on, and what was raised keeps its own."""

import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Role
from server.services import check_ins
from tests.api.problem import assert_problem, pointers
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import digest, digest_but_audit, rows
from tests.factories import Actors, check_in_body, make_member, signed_in

URL = "/v1/clinic"
DEFAULTS = {
    "h": 4.0,
    "craving_severe": 9.0,
    "mood_very_low": 1.0,
    "use_free_days": 7,
    "silent_days": 3,
    "silent_chance": 0.01,
}


@pytest.fixture
def alice(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.alice_admin)


def check_in(actors: Actors, clock: Clock, **said: Any) -> None:
    body = check_in_body(clock(), **said) | {"recorded_at": clock()}
    check_ins.put_check_in(actors.ada.id, uuid.uuid4(), body, clock())
    db.session.commit()
    assess_all([actors.ada.id], clock())


def versions(actors: Actors) -> list[tuple[Any, ...]]:
    found = "SELECT version, since, changed_by, craving_severe FROM limits WHERE clinic_id = :id ORDER BY version"
    return list(rows(found, id=actors.clinic.id))


def test_a_clinic_begins_with_the_defaults(client: FlaskClient, actors: Actors, alice: dict[str, str]) -> None:
    shown = client.get(URL, headers=alice).get_json()
    assert shown == {
        "id": str(actors.clinic.id),
        "name": "Bob's clinic",
        "zone": "America/New_York",
        "day_starts_at": 4,
        "mfa_required": False,
        "limits_version": 1,
        "limits_since": "2026-05-04T20:00:00Z",
        **DEFAULTS,
    }


def test_a_change_is_a_new_version_and_the_rest_stays(
    client: FlaskClient, actors: Actors, alice: dict[str, str], clock: Clock
) -> None:
    began = clock()
    clock.pass_by(minutes=5)
    changed = client.patch(URL, json={"craving_severe": 8.5}, headers=alice)
    assert changed.status_code == 200
    said = changed.get_json()
    assert said == client.get(URL, headers=alice).get_json()
    assert {name: said[name] for name in DEFAULTS} == {**DEFAULTS, "craving_severe": 8.5}
    assert (said["limits_version"], said["limits_since"]) == (2, "2026-05-04T20:05:00Z")
    assert versions(actors) == [(1, began, None, 9), (2, clock(), actors.alice_admin.id, 8.5)]


def test_what_changes_nothing_makes_no_version(client: FlaskClient, actors: Actors, alice: dict[str, str]) -> None:
    before = digest_but_audit()
    for body in ({}, DEFAULTS, {"craving_severe": 9}):
        assert client.patch(URL, json=body, headers=alice).get_json()["limits_version"] == 1
    assert digest_but_audit() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"h": 0.99},
        {"h": 20.01},
        {"h": 3.001},
        {"h": None},
        {"h": "4"},
        {"craving_severe": 10.1},
        {"craving_severe": 8.55},
        {"craving_severe": True},
        {"mood_very_low": -0.1},
        {"use_free_days": 0},
        {"use_free_days": 7.0},
        {"silent_days": 2},
        {"silent_days": 31},
        {"silent_chance": 0},
        {"silent_chance": 0.5},
        {"name": "Alice's clinic"},
        {"limits_version": 7},
        {"since": "2026-05-04T20:00:00Z"},
    ],
    ids=str,
)
def test_wrong_values_are_refused(
    client: FlaskClient, actors: Actors, alice: dict[str, str], wrong: dict[str, Any]
) -> None:
    before = digest()
    refused = client.patch(URL, json={"craving_severe": 8, **wrong}, headers=alice)
    assert_problem(refused, 422)
    assert pointers(refused) == [f"#/{next(iter(wrong))}"]
    assert digest() == before


def test_a_clinician_may_not_and_another_clinic_is_untouched(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    theirs = [signed_in(app, member) for member in (actors.bob, actors.carol)]
    before = digest()
    for headers in theirs:
        assert_problem(client.patch(URL, json={"h": 3}, headers=headers), 403)
    assert digest() == before
    frank = make_member(actors.elsewhere, Role.ADMIN, "Frank", clock())
    changed = client.patch(URL, json={"h": 3}, headers=signed_in(app, frank)).get_json()
    assert (changed["id"], changed["limits_version"]) == (str(actors.elsewhere.id), 2)
    assert len(versions(actors)) == 1


def test_an_alert_keeps_the_version_that_it_was_raised_with(
    client: FlaskClient, actors: Actors, alice: dict[str, str], clock: Clock
) -> None:
    check_in(actors, clock, craving=9)
    clock.pass_by(minutes=5)
    assert client.patch(URL, json={"craving_severe": 10, "mood_very_low": 3}, headers=alice).status_code == 200
    clock.pass_by(days=1)
    check_in(actors, clock, craving=9, mood=3)
    found = rows("SELECT rule, thresholds->'version', thresholds->'craving_severe' FROM alert ORDER BY rule")
    assert found == [("craving_severe", 1, 9.0), ("mood_very_low", 2, 10.0)]
    # That day is judged by the limits that it ended with, and the alert of before is marked, with what it said.
    assert sorted(rows("SELECT kind FROM alert_event")) == [("raised",), ("raised",), ("superseded",)]


def test_a_new_limit_raises_nothing_about_the_days_before_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    for _ in range(3):
        check_in(actors, clock, craving=8)
        clock.pass_by(days=1)
    client.patch(URL, json={"craving_severe": 8}, headers=signed_in(app, actors.alice_admin))
    check_in(actors, clock, craving=8)
    # The three days before are no news; that the fourth follows them is.
    assert rows("SELECT severity, day::text, thresholds->'version' FROM alert") == [("urgent", "2026-05-07", 2)]
    assert rows("SELECT kind FROM alert_event") == [("raised",)]


def test_two_admins_at_once_make_two_versions(app: Flask, actors: Actors, clock: Clock) -> None:
    frida = make_member(actors.clinic, Role.ADMIN, "Frida", clock())
    headers = [signed_in(app, member) for member in (actors.alice_admin, frida)]

    def change(by: dict[str, str], name: str) -> int:
        return app.test_client().patch(URL, json={name: 5}, headers=by).status_code

    said = concurrently(app, lambda: change(headers[0], "h"), lambda: change(headers[1], "silent_days"))
    assert said == [200, 200]
    assert [version for version, *_ in versions(actors)] == [1, 2, 3]
    assert rows("SELECT h, silent_days FROM limits WHERE version = 3") == [(5, 5)]
