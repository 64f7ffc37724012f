"""Erasing one's own record: nothing of it is left but what the law keeps, and nobody stumbles over the hole."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import Base, db
from server.jobs.assessing import assess
from server.jobs.delivering import deliver
from server.queue import enqueue
from server.services.belongings import tables_of_patients
from server.services.raising import raise_findings
from tests.api.problem import assert_problem
from tests.api.test_export import add_disclosure, add_failed_mails
from tests.attacks.belongings import add_push_address, add_urges
from tests.attacks.things import Things
from tests.audited import actions, events
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import (
    PASSWORD,
    Actors,
    bearer,
    check_in_body,
    course_body,
    finding,
    make_patient,
    new_id,
    signed_in,
    tokens_of,
)
from tests.web.conftest import enter

ME = "/v1/me"
SAID = {"password": PASSWORD}


def erase(client: FlaskClient, headers: dict[str, str], **said: Any) -> TestResponse:
    return client.delete(ME, json=said or SAID, headers=headers)


def settle(client: FlaskClient, things: Things, bob: dict[str, str]) -> None:
    """Bob closes the urgent alert."""
    said = {"outcome": "contacted_patient", "note": "we spoke"}
    assert client.post(f"/v1/alerts/{things.alert}/resolve", json=said, headers=bob).status_code == 200


def fill(app: Flask, client: FlaskClient, things: Things, actors: Actors, clock: Clock) -> None:
    """A row of Ada's in every table."""
    bob = signed_in(app, actors.bob)
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    patient = f"/v1/patients/{things.patient}"
    assert client.patch(patient, json={"reference": "chart 7", "paused": True}, headers=bob).status_code == 200
    assert client.post(f"{patient}/invites", headers=bob).status_code == 201
    said = {"reason": "on call tonight, at the door"}
    dan = signed_in(app, things.people["dan"])
    assert client.post(f"{patient}/break-glass", json=said, headers=dan).status_code == 201
    edit, headers = check_in_body(clock(), note="said otherwise"), signed_in(app, actors.ada) | {"If-Match": "*"}
    assert client.put(f"/v1/check-ins/{things.check_in}", json=edit, headers=headers).status_code == 200
    for add in (add_urges, add_push_address):
        add(client, signed_in(app, actors.ada), clock())
    fewer = {"planned_sessions": 2}
    assert client.patch(f"/v1/courses/{things.course}", json=fewer, headers=bob).status_code == 200
    assess(str(actors.clinic.id), [str(things.patient)])
    add_disclosure(things, clock())
    add_failed_mails(things, actors, clock())
    settle(client, things, bob)


def where(mark: str) -> set[str]:
    """The tables, ours and the queue's, with a row that has this text anywhere."""
    tables = [*Base.metadata.tables, "procrastinate_jobs", "procrastinate_events"]
    return {
        table
        for table in tables
        if one(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE :mark', mark=f"%{mark}%")  # noqa: S608
    }


def counts() -> dict[str, int]:
    return {table: one(f'SELECT count(*) FROM "{table}"') for table in Base.metadata.tables}  # noqa: S608


def test_nothing_is_left_but_what_the_law_keeps(
    app: Flask, client: FlaskClient, things: Things, actors: Actors, clock: Clock
) -> None:
    fill(app, client, things, actors, clock)
    theirs = {table.name for table in tables_of_patients()}
    assert {table for table in theirs if not counts()[table]} == {"erasure"}
    eve = rows("SELECT * FROM patient WHERE id = :id", id=things.people["eve"].id)
    ada = signed_in(app, actors.ada)
    left = [str(things.patient), str(things.course), str(things.alert), str(things.device)]
    assert len(where(left[0])) > 8

    answer = erase(client, ada)
    assert answer.status_code == 200
    kept = {"audit_event", "break_glass", "consent", "disclosure", "erasure"}
    assert where(left[0]) == kept
    assert set.union(*map(where, left[1:])) == {"audit_event"}
    assert where(actors.ada.code) == {"erasure"}
    said = answer.get_json()
    assert {each["kind"] for each in said["erased"]} | {each["kind"] for each in said["kept"]} == theirs | {
        "audit_event"
    }
    assert all(each["rows"] for each in said["erased"])
    assert {each["kind"]: each["rows"] for each in said["kept"]} == {
        "audit_event": one("SELECT count(*) FROM audit_event WHERE :id = ANY(patients)", id=things.patient) - 1,
        **dict.fromkeys(("break_glass", "disclosure", "erasure"), 1),
        "consent": 2,
    }
    assert rows("SELECT DISTINCT withdrawn_at, withdrawn_how FROM consent WHERE patient_id = :id", id=left[0]) == [
        (clock(), "by_patient")
    ]
    assert {each["at_least_until"] for each in said["kept"]} == {"2032-05-04"}
    assert rows("SELECT * FROM patient WHERE id = :id", id=things.people["eve"].id) == eve


def test_it_is_audited_and_the_chain_stays_whole(app: Flask, client: FlaskClient, actors: Actors) -> None:
    assert erase(client, signed_in(app, actors.ada)).status_code == 200
    assert events() == [("erased", "patient", actors.ada.id, [actors.ada.id], {})]
    assert app.test_cli_runner().invoke(args=["verify-audit"]).exit_code == 0


def test_every_device_is_out_and_nothing_lets_anybody_in(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    phone, other = tokens_of(app, actors.ada), tokens_of(app, actors.ada)
    invited = client.post(f"/v1/patients/{actors.ada.id}/invites", headers=signed_in(app, actors.bob)).get_json()
    code = actors.ada.code
    assert erase(client, bearer(phone["access_token"])).status_code == 200
    before = digest()
    for pair in (phone, other):
        for method, url, token in (
            *(("GET", ME, "access_token"), ("GET", "/v1/me/export", "access_token"), ("DELETE", ME, "access_token")),
            *(("PUT", f"/v1/check-ins/{new_id()}", "access_token"), ("POST", "/v1/tokens/refresh", "refresh_token")),
        ):
            said = SAID if method == "DELETE" else check_in_body(clock(), self_harm_thoughts="yes")
            assert_problem(client.open(url, method=method, json=said, headers=bearer(pair[token])), 401)
    assert_problem(client.post("/v1/tokens", json={"code": code, **SAID}), 401)
    enrol = {"code": invited["code"], "device": "phone", "zone": "America/New_York", **SAID}
    assert_problem(client.post("/v1/enrollments", json=enrol), 422)
    assert digest() == before


def test_staff_find_nobody_and_no_page_breaks(
    app: Flask, client: FlaskClient, things: Things, actors: Actors, clock: Clock
) -> None:
    fill(app, client, things, actors, clock)
    assert erase(client, signed_in(app, actors.ada)).status_code == 200
    bob, alice = (signed_in(app, person) for person in (actors.bob, actors.alice_admin))
    patient = f"/v1/patients/{things.patient}"
    for method, path, body in (
        *(("GET", "", None), ("PATCH", "", {"paused": False}), ("POST", "/invites", None), ("GET", "/courses", None)),
        *(("GET", "/check-ins", None), ("GET", "/trend", None), ("GET", "/chart.svg", None)),
        *(("GET", "/adherence", None), ("POST", "/courses", course_body())),
        ("POST", "/break-glass", {"reason": "who was this, once"}),
    ):
        gone = client.open(f"{patient}{path}", method=method, json=body, headers=bob)
        never = client.open(f"/v1/patients/{new_id()}{path}", method=method, json=body, headers=bob)
        assert (gone.status_code, gone.data) == (404, never.data), path
    for path in ("", "/acknowledge", "/resolve"):
        url, said = f"/v1/alerts/{things.alert}{path}", {"outcome": "referred"} if path == "/resolve" else None
        assert_problem(client.open(url, method="POST" if path else "GET", json=said, headers=bob), 404)
    for url in (f"/v1/courses/{things.course}/sessions", "/v1/sessions"):
        assert client.get(url, headers=bob).status_code in {403, 404}
    listed = client.get("/v1/patients", headers=bob).get_json()["items"]
    assert {one["id"] for one in listed} == {str(things.people[name].id) for name in ("eve", "gil")}
    assert client.get("/v1/alerts", headers=bob).get_json()["items"] == []
    told = client.get(f"/v1/audit-events?patient={things.patient}", headers=alice).get_json()["items"]
    assert "erased" in {event["action"] for event in told}
    assert "on call tonight, at the door" in {event["reason"] for event in told}
    enter(client, actors.bob, clock)
    assert client.get("/alerts").status_code == 200
    for path in ("", "/chart.svg"):
        assert client.get(f"/alerts/{things.alert}{path}").status_code == 404


def test_the_care_team_sees_that_nothing_comes_any_more(
    app: Flask, client: FlaskClient, things: Things, actors: Actors, clock: Clock
) -> None:
    eve, code = things.people["eve"], things.people["eve"].code  # type: ignore[union-attr]
    assert erase(client, signed_in(app, eve)).status_code == 200

    def listed(name: str) -> Any:
        answer = client.get("/v1/erasures", headers=signed_in(app, things.people[name]))
        return answer.get_json()["items"]

    expected = [{"patient_id": str(eve.id), "code": code, "erased_at": "2026-05-04T20:00:00Z"}]
    assert [listed(name) for name in ("bob", "dora", "alice")] == [expected] * 3
    # Dan cared for somebody else, Carol and Frank are elsewhere.
    assert [listed(name) for name in ("dan", "carol", "frank")] == [[], [], []]


def test_an_urgent_alert_is_not_silenced(app: Flask, client: FlaskClient, things: Things, actors: Actors) -> None:
    ada, bob = signed_in(app, actors.ada), signed_in(app, actors.bob)
    before = digest()
    answer = erase(client, ada)
    assert_problem(answer, 409)
    assert "urgent alert" in answer.get_json()["detail"]
    assert digest() == before
    # Seen is not done: whoever took it on must still find whom it is about.
    assert client.post(f"/v1/alerts/{things.alert}/acknowledge", headers=bob).status_code == 200
    assert_problem(erase(client, ada), 409)
    settle(client, things, bob)
    assert erase(client, ada).status_code == 200


def test_other_alerts_and_their_emails_go_with_the_record(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, outbox: list[Any]
) -> None:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    email = one("SELECT id FROM alert_email")
    assert erase(client, signed_in(app, actors.ada)).status_code == 200
    deliver(str(actors.clinic.id), str(email))
    assert outbox == []


def test_an_email_on_its_way_is_waited_for(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    change("UPDATE alert_email SET claim = gen_random_uuid(), claimed_until = now() + interval '5 minutes'")
    ada = signed_in(app, actors.ada)
    answer = erase(client, ada)
    assert_problem(answer, 409)
    assert "on its way" in answer.get_json()["detail"]
    change("UPDATE alert_email SET claim = NULL, claimed_until = NULL, state = 'sent', sent_at = now()")
    assert erase(client, ada).status_code == 200


def test_jobs_forget_the_patient_and_go_on_with_the_others(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    eve = make_patient(actors.bob, clock())
    ids = [str(actors.ada.id), str(eve.id)]
    enqueue("assess", db.session, clinic_id=str(actors.clinic.id), patient_ids=ids)
    enqueue("assess", db.session, clinic_id=str(actors.clinic.id), patient_ids=ids[:1])
    db.session.commit()
    assert erase(client, signed_in(app, actors.ada)).status_code == 200
    waiting = rows("SELECT args FROM procrastinate_jobs WHERE task_name = 'assess' ORDER BY id")
    assert [args["patient_ids"] for (args,) in waiting] == [ids[1:], []]
    clock.pass_by(days=2)
    for (args,) in waiting:
        assess(**args)
    assess(str(actors.clinic.id), ids)
    assert one("SELECT looked_at FROM watch WHERE patient_id = :id", id=eve.id) == clock()


def test_the_password_is_asked_for_and_guesses_are_counted(app: Flask, client: FlaskClient, actors: Actors) -> None:
    ada, before = signed_in(app, actors.ada), digest()
    answers = [erase(client, ada, password=f"not my password {place}") for place in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert answers[0].get_json()["errors"] == [{"pointer": "#/password", "detail": "This is not your password."}]
    # The right one, too, must wait.
    assert erase(client, ada).status_code == 429
    assert {name: found for name, found in digest().items() if name != "sign_in"} == {
        name: found for name, found in before.items() if name != "sign_in"
    }
    assert actions() == []
