"""A yes to the question about self-harm: an urgent alert and its email's job, in the transaction that stores it."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Role
from server.services import consents, identities, rota
from server.services.care_teams import replace_care_team
from server.settings import Settings
from tests.conftest import Clock
from tests.database import one, refusing, rows
from tests.factories import OUTCOME_NOTE, Actors, check_in_body, days_later, make_member, new_id, signed_in

JOBS = "SELECT args->>'email_id' FROM procrastinate_jobs WHERE task_name = 'deliver'"


@pytest.fixture
def headers(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.ada)


def say_yes(client: FlaskClient, headers: dict[str, str], clock: Clock, id_: str | None = None) -> int:
    body = check_in_body(clock(), self_harm_thoughts="yes")
    return client.put(f"/v1/check-ins/{id_ or new_id()}", json=body, headers=headers).status_code


def test_it_raises_one_urgent_alert_with_its_job(
    client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    id_ = new_id()
    assert [say_yes(client, headers, clock, id_) for _ in range(3)] == [201, 200, 200]
    assert rows("SELECT rule, severity, state, patient_id FROM alert") == [
        ("safety_concern", "urgent", "open", actors.ada.id)
    ]
    emails = rows("SELECT id::text, member_id, state FROM alert_email")
    assert emails == [(one(JOBS), actors.bob.id, "queued")]
    assert one("SELECT priority FROM procrastinate_jobs WHERE task_name = 'deliver'") > 0


def test_the_first_of_the_team_and_whoever_is_on_call_are_told(
    client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    dan, eva = (make_member(actors.clinic, Role.CLINICIAN, name, clock()) for name in ("Dan", "Eva"))
    replace_care_team(actors.ada, [dan.id, actors.bob.id])
    alice = identities.of_member(actors.alice_admin)
    rota.add_on_call(alice, eva.id, clock(), days_later(clock(), 1), clock())
    db.session.commit()
    say_yes(client, headers, clock)
    assert set(rows("SELECT member_id FROM alert_email")) == {(dan.id,), (eva.id,)}
    assert len(rows(JOBS)) == 2


def test_a_second_yes_of_the_day_joins_the_open_alert_and_is_mailed_again(
    client: FlaskClient, headers: dict[str, str], clock: Clock
) -> None:
    say_yes(client, headers, clock)
    clock.pass_by(minutes=20)
    say_yes(client, headers, clock)
    assert one("SELECT count(*) FROM alert") == 1
    assert rows("SELECT kind FROM alert_event ORDER BY id") == [("raised",), ("repeated",)]
    assert len(rows(JOBS)) == 2


def test_a_yes_after_it_was_resolved_is_heard_on_the_same_day_too(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    say_yes(client, headers, clock)
    alert = one("SELECT id FROM alert")
    said = {"outcome": "contacted_patient", "note": OUTCOME_NOTE}
    assert client.post(f"/v1/alerts/{alert}/resolve", json=said, headers=signed_in(app, actors.bob)).status_code == 200
    clock.pass_by(hours=2)
    say_yes(client, signed_in(app, actors.ada), clock)
    assert rows("SELECT state FROM alert ORDER BY raised_at") == [("resolved",), ("open",)]
    assert len(rows(JOBS)) == 2


@pytest.mark.parametrize("answer", ["no", "rather_not_say", None])
def test_any_other_answer_raises_nothing(
    client: FlaskClient, headers: dict[str, str], clock: Clock, answer: str | None
) -> None:
    body = check_in_body(clock(), self_harm_thoughts=answer)
    client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers)
    assert rows("SELECT * FROM alert") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"recorded_at": "2026-01-01T12:00:00Z"},
        {"zone": "Mars/Olympus"},
        {"craving": 11},
        {"craving": None},
        {"note": "x" * 2001},
        {"no_such_field": 1},
    ],
)
def test_a_yes_in_an_item_that_is_refused_is_heard_all_the_same(
    client: FlaskClient, headers: dict[str, str], clock: Clock, wrong: dict[str, Any]
) -> None:
    url, body = f"/v1/check-ins/{new_id()}", check_in_body(clock(), self_harm_thoughts="yes") | wrong
    for _ in range(3):
        assert client.put(url, json=body, headers=headers).status_code == 422
    assert rows("SELECT * FROM check_in") == []
    assert rows("SELECT rule, severity, state FROM alert") == [("safety_concern", "urgent", "open")]
    assert len(rows(JOBS)) == 1


@pytest.mark.parametrize("written", [True, 1, 1.0, "Yes", "YES ", "y", "true", "1", "s\u00ed", "S\u00cd", "si"])
def test_a_yes_that_an_app_writes_in_its_own_way_is_refused_and_heard(
    client: FlaskClient, headers: dict[str, str], clock: Clock, written: object
) -> None:
    body = check_in_body(clock()) | {"self_harm_thoughts": written}
    assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 422
    item = {"kind": "check_in", "id": new_id(), "content": body}
    said = client.post("/v1/sync", json={"items": [item]}, headers=headers).get_json()
    assert [result["result"] for result in said["results"]] == ["refused"]
    assert rows("SELECT rule, severity, state FROM alert") == [("safety_concern", "urgent", "open")]


@pytest.mark.parametrize("written", [False, 0, 2, "nope", "No", "", [], ["no"], {}, 1.5, "0"])
def test_what_is_no_answer_and_no_yes_raises_nothing(
    client: FlaskClient, headers: dict[str, str], clock: Clock, written: object
) -> None:
    body = check_in_body(clock()) | {"self_harm_thoughts": written}
    assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 422
    assert rows("SELECT * FROM alert") == []


def test_a_refusal_carries_the_crisis_lines_and_says_that_a_yes_was_passed_on(
    client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    """In the language of whoever asks, and wherever it is refused."""
    taken = client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(clock()), headers=headers).get_json()
    url, wrong = f"/v1/check-ins/{new_id()}", check_in_body(clock(), craving=11)
    plain = client.put(url, json=wrong, headers=headers).get_json()
    assert plain["support"] == taken["support"]
    assert plain["support"]["lines"]
    assert "care_team_told" not in plain
    yes = client.put(url, json=wrong | {"self_harm_thoughts": "yes"}, headers=headers).get_json()
    assert (yes["status"], yes["support"], yes["care_team_told"]) == (422, taken["support"], True)
    not_json = client.put(url, data="{", content_type="application/json", headers=headers).get_json()
    assert (not_json["status"], not_json["support"]) == (400, taken["support"])
    whole = client.post("/v1/sync", json={"items": {"self_harm_thoughts": "yes"}}, headers=headers).get_json()
    assert (whole["status"], whole["support"], whole["care_team_told"]) == (422, taken["support"], True)
    spanish = client.put(url, json=wrong, headers={**headers, "Accept-Language": "es"}).get_json()
    assert spanish["support"]["notice"] != taken["support"]["notice"]
    consents.withdraw(identities.of_patient(actors.ada), one("SELECT id FROM consent"), clock())
    db.session.commit()
    said = check_in_body(clock(), self_harm_thoughts="yes")
    withdrawn = client.put(url, json=said, headers=headers).get_json()
    assert (withdrawn["status"], withdrawn["support"], withdrawn["care_team_told"]) == (403, taken["support"], True)
    assert "support" not in client.get(url, headers=headers).get_json()


def test_the_alert_says_that_no_check_in_of_the_day_tells_it(
    app: Flask, client: FlaskClient, headers: dict[str, str], clock: Clock
) -> None:
    body = check_in_body(clock(), self_harm_thoughts="yes", craving=11)
    client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers)
    sentence = one("SELECT sentence FROM alert")
    assert sentence == (
        "Answered yes to the question about thoughts of self-harm in a report that came on 4 May "
        "and could not be taken."
    )
    explained = app.test_cli_runner().invoke(args=["explain", str(one("SELECT id FROM alert"))])
    assert explained.exit_code == 0, explained.output


def test_a_yes_under_an_id_that_holds_something_else_is_heard(
    client: FlaskClient, headers: dict[str, str], clock: Clock
) -> None:
    url, body = f"/v1/check-ins/{new_id()}", check_in_body(clock(), self_harm_thoughts="no")
    assert client.put(url, json=body, headers=headers).status_code == 201
    assert client.put(url, json=body | {"self_harm_thoughts": "yes"}, headers=headers).status_code == 428
    assert rows("SELECT rule FROM alert") == [("safety_concern",)]
    assert rows("SELECT self_harm_thoughts FROM check_in") == [("no",)]


def test_without_the_alert_there_is_no_check_in(
    client: FlaskClient, headers: dict[str, str], clock: Clock, settings: Settings
) -> None:
    """The job's insert fails for real: nothing of the request may remain, and the phone must know."""
    with refusing(settings, "procrastinate_jobs", "task_name <> 'deliver'"):
        assert say_yes(client, headers, clock) == 500
    for table in ("check_in", "alert", "alert_event", "alert_email", "procrastinate_jobs"):
        assert rows(f"SELECT * FROM {table}") == [], table  # noqa: S608
    assert say_yes(client, headers, clock) == 201
