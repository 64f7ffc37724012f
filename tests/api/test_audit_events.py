"""GET /v1/audit-events: the own clinic's, newest first, filtered and paged."""

import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.models import Role
from tests.api.problem import assert_problem, pointers
from tests.api.test_paging import NOT_OURS
from tests.conftest import Clock
from tests.database import rows
from tests.factories import Actors, make_member, make_patient, signed_in


def ask(app: Flask, client: FlaskClient, actors: Actors, query: str = "") -> Any:
    answer = client.get(f"/v1/audit-events?{query}", headers=signed_in(app, actors.alice_admin))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def read(app: Flask, client: FlaskClient, actors: Actors, times: int = 1) -> None:
    for _ in range(times):
        assert client.get(f"/v1/patients/{actors.ada.id}", headers=signed_in(app, actors.bob)).status_code == 200


def test_an_admin_sees_who_saw_what(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    read(app, client, actors)
    (seen,) = ask(app, client, actors)["items"]
    assert seen == {
        "seq": 1,
        "at": clock().isoformat().replace("+00:00", "Z"),
        "actor": "member",
        "actor_id": str(actors.bob.id),
        "action": "patient_read",
        "patients": [str(actors.ada.id)],
        "what": {},
        "request_id": "the-suite",
        "reason": None,
    }
    assert [event["action"] for event in ask(app, client, actors)["items"]] == ["audit_read", "patient_read"]


def test_an_event_leads_to_the_lines_of_its_request(app: Flask, client: FlaskClient, actors: Actors) -> None:
    """What was done and what was seen, by the id that the answer and the log carry; a command has none."""
    bob, trace = signed_in(app, actors.bob), {"X-Request-ID": "trace-7"}
    read_by = client.get(f"/v1/patients/{actors.ada.id}", headers={**bob, **trace})
    made_up = client.delete("/v1/tokens", headers={**bob, "X-Request-ID": "not {sane}"})
    app.test_cli_runner().invoke(args=["reset-mfa", "alice@clinic.example"])
    asked = rows("SELECT action, request_id FROM audit_event ORDER BY seq")
    assert asked == [
        ("patient_read", read_by.headers["X-Request-ID"]),
        ("sign_out_everywhere", made_up.headers["X-Request-ID"]),
        ("second_step_removed", None),
    ]
    assert read_by.headers["X-Request-ID"] == "trace-7"
    assert app.test_cli_runner().invoke(args=["verify-audit"]).exit_code == 0


def test_it_is_asked_for_by_what_it_has(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    began = clock().isoformat().replace("+", "%2B")
    eve = make_patient(actors.bob, clock())
    read(app, client, actors)
    clock.pass_by(hours=1)
    later = clock().isoformat().replace("+", "%2B")
    client.get("/v1/patients", headers=signed_in(app, actors.bob))
    client.get("/v1/patients", headers=signed_in(app, actors.alice_admin))
    for query, wanted in (
        (f"patient={actors.ada.id}", ["patients_listed", "patients_listed", "patient_read"]),
        (f"patient={eve.id}", ["patients_listed", "patients_listed"]),
        (f"patient={uuid.uuid4()}", []),
        (f"actor={actors.bob.id}", ["patients_listed", "patient_read"]),
        (f"actor={actors.bob.id}&patient={eve.id}", ["patients_listed"]),
        ("action=patient_read", ["patient_read"]),
        ("action=break_glass", []),
        (f"until={later}", ["patient_read"]),
        (f"since={later}&action=patients_listed", ["patients_listed", "patients_listed"]),
        (f"since={began}&until={began}", []),
    ):
        assert [event["action"] for event in ask(app, client, actors, query)["items"]] == wanted, query


def test_pages_neither_repeat_nor_hide_while_more_arrives(app: Flask, client: FlaskClient, actors: Actors) -> None:
    read(app, client, actors, times=7)
    found, cursor = [], ""
    while cursor is not None:
        page = ask(app, client, actors, f"limit=3&action=patient_read{f'&cursor={cursor}' if cursor else ''}")
        found += [event["seq"] for event in page["items"]]
        cursor = page["next_cursor"]
        read(app, client, actors)
    assert found == [7, 6, 5, 4, 3, 2, 1]


def test_another_clinic_has_an_audit_of_its_own(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    read(app, client, actors)
    frank = make_member(actors.elsewhere, Role.ADMIN, "Frank", clock())
    for query in ("", f"?patient={actors.ada.id}", f"?actor={actors.bob.id}"):
        answer = client.get(f"/v1/audit-events{query}", headers=signed_in(app, frank)).get_json()
        assert {event["actor_id"] for event in answer["items"]} <= {str(frank.id)}


@pytest.mark.parametrize(
    "query",
    [
        *(query for query in NOT_OURS if not query.startswith("state")),
        *("cursor=-1", "cursor=1.5", "cursor=%2B1", "cursor=\u0661", "cursor=" + "9" * 19),
        *("patient=ada", "actor=1", "action=read", "action=", "since=yesterday", "until=2026-05-04", "actors=x"),
    ],
)
def test_a_query_that_is_not_ours_is_refused(app: Flask, client: FlaskClient, actors: Actors, query: str) -> None:
    refused = client.get(f"/v1/audit-events?{query}", headers=signed_in(app, actors.alice_admin))
    assert_problem(refused, 422)
    assert pointers(refused), query
