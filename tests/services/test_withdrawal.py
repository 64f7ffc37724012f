"""Who withdraws is not looked at any more, and mails about them stay; but never an urgent alert that is open."""

from datetime import date, timedelta
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.jobs import assessing, delivering
from server.models import ConsentKind, Patient, Role
from server.services import consents, courses, digests, identities, patients, watch
from server.services.raising import raise_findings
from server.services.records import record_of
from server.services.safety import heed_refused
from server.trends import Severity
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import Actors, check_in_body, course_body, finding, make_member, make_patient, new_id, signed_in

WAITING = "SELECT clinic_id::text, id::text FROM alert_email WHERE state = 'queued'"
STATES = "SELECT state, withheld_why FROM alert_email ORDER BY created_at, id"
WITHHELD = ("withheld", "participation_withdrawn")


def withdraw(patient: Patient, clock: Clock) -> None:
    asked = "SELECT id FROM consent WHERE patient_id = :id AND kind = 'participation' AND withdrawn_at IS NULL"
    consents.withdraw(identities.of_patient(patient), one(asked, id=patient.id), clock())
    db.session.commit()


def grant_again(patient: Patient, clock: Clock) -> None:
    said = {"kind": ConsentKind.PARTICIPATION, "wording": "participation-2"}
    consents.grant(identities.of_patient(patient), said, clock())
    db.session.commit()


def tell(actors: Actors, clock: Clock, severity: Severity = Severity.PROMPT) -> None:
    raise_findings(actors.ada, [finding(clock().date(), severity, f"rule_{severity}")], clock())
    db.session.commit()


def send_waiting() -> None:
    for clinic_id, email_id in rows(WAITING):
        delivering.deliver(clinic_id, email_id)


def assess_due(clock: Clock) -> int:
    """What a tick and a worker do."""
    due = watch.claim_due(clock())
    db.session.commit()
    return assessing.assess_all(due, clock()) if due else 0


def due_at(actors: Actors) -> object:
    return one("SELECT due_at FROM watch WHERE patient_id = :id", id=actors.ada.id)


def test_nobody_looks_any_more_and_no_silence_is_found(actors: Actors, clock: Clock) -> None:
    eve = make_patient(actors.bob, clock())
    withdraw(actors.ada, clock)
    for _ in range(10):
        clock.pass_by(days=1)
        assert assess_due(clock) == 1
    # Of two who say nothing, the one who takes part is missed.
    assert rows("SELECT DISTINCT patient_id, rule FROM alert") == [(eve.id, "gone_silent")]
    assert due_at(actors) is None


def test_what_was_on_the_queue_is_not_assessed(actors: Actors, clock: Clock) -> None:
    clock.pass_by(days=1)
    due = watch.claim_due(clock())
    db.session.commit()
    assert due == [actors.ada.id]
    withdraw(actors.ada, clock)
    before = digest()
    assert assessing.assess_all(due, clock()) == 0
    watch.record_failure(actors.ada.id, RuntimeError(), clock())
    db.session.commit()
    assert digest() == before


def test_what_staff_change_makes_nobody_due(actors: Actors, clock: Clock) -> None:
    bob = identities.of_member(actors.bob)
    said = course_body() | {"first_day": date(2026, 5, 4)}
    course = courses.create_course(bob, actors.ada.id, said, clock())
    session = courses.course_sessions(bob, course.id)[0]
    withdraw(actors.ada, clock)
    for fields in (
        {"zone": "Europe/Lisbon"},
        {"paused": True},
        {"paused": False},
        {"monitored_from": date(2026, 5, 1)},
        {"active": False},
        {"active": True},
    ):
        patients.change_patient(bob, actors.ada.id, fields, clock())
        db.session.commit()
        assert due_at(actors) is None, fields
    courses.change_session(bob, session.id, {"state": "attended"}, clock())
    db.session.commit()
    assert due_at(actors) is None


def test_a_check_in_is_refused_and_nothing_is_kept(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    ada, url, body = signed_in(app, actors.ada), f"/v1/check-ins/{new_id()}", check_in_body(clock())
    assert client.put(url, json=body, headers=ada).status_code == 201
    withdraw(actors.ada, clock)
    before = digest()
    answer = client.put(f"/v1/check-ins/{new_id()}", json=body, headers=ada)
    assert_problem(answer, 403)
    assert answer.get_json()["type"] == "/problems/participation-withdrawn"
    # What was stored before is stored, and a phone that did not hear of it is told so.
    assert client.put(url, json=body, headers=ada).status_code == 200
    assert digest() == before
    assert client.get("/v1/today", headers=ada).get_json()["check_in"] == "off"
    assert len(client.get("/v1/check-ins", headers=ada).get_json()["items"]) == 1
    shown = client.get(f"/v1/patients/{actors.ada.id}", headers=signed_in(app, actors.bob)).get_json()
    assert shown["withdrawn_at"] == clock().isoformat().replace("+00:00", "Z")


def test_a_yes_about_self_harm_is_heard_all_the_same(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    ada = signed_in(app, actors.ada)
    withdraw(actors.ada, clock)
    body = check_in_body(clock(), self_harm_thoughts="yes")
    for _ in range(2):
        assert_problem(client.put(f"/v1/check-ins/{new_id()}", json=body, headers=ada), 403)
    assert rows("SELECT * FROM check_in") == []
    assert rows("SELECT rule, severity, state FROM alert") == [("safety_concern", "urgent", "open")]
    send_waiting()
    assert rows(STATES) == [("sent", None)]
    assert [mail["To"] for mail in outbox] == ["bob@clinic.example"]
    assert due_at(actors) is None


@pytest.mark.parametrize("severity", [Severity.ROUTINE, Severity.PROMPT])
def test_a_waiting_mail_is_withheld(
    actors: Actors, clock: Clock, outbox: list[EmailMessage], severity: Severity
) -> None:
    tell(actors, clock, severity)
    withdraw(actors.ada, clock)
    send_waiting()
    clock.pass_by(days=1)
    digests.make(clock())
    db.session.commit()
    send_waiting()
    assert (rows(STATES), outbox) == ([WITHHELD], [])
    assert delivering.enqueue_due(clock()) == 0


def test_an_open_urgent_alert_keeps_its_mails(actors: Actors, clock: Clock, outbox: list[EmailMessage]) -> None:
    tell(actors, clock, Severity.URGENT)
    withdraw(actors.ada, clock)
    send_waiting()
    # A second yes, after the withdrawal, is told as well.
    heed_refused(actors.ada.id, clock())
    db.session.commit()
    send_waiting()
    assert rows(STATES) == [("sent", None)] * 2
    assert len(outbox) == 2


def test_an_urgent_alert_that_is_closed_keeps_none(actors: Actors, clock: Clock, outbox: list[EmailMessage]) -> None:
    tell(actors, clock, Severity.URGENT)
    withdraw(actors.ada, clock)
    change("""
        UPDATE alert SET state = 'resolved', escalate_at = NULL, acknowledged_at = raised_at, resolved_at = raised_at,
                         outcome = 'contacted_patient'
    """)
    db.session.expire_all()
    send_waiting()
    assert (rows(STATES), outbox) == ([WITHHELD], [])


def test_whoever_takes_over_hears_of_the_urgent_alone(actors: Actors, clock: Clock, outbox: list[EmailMessage]) -> None:
    for severity in Severity:
        tell(actors, clock, severity)
    send_waiting()
    withdraw(actors.ada, clock)
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock()).id
    patients.change_patient(identities.of_member(actors.bob), actors.ada.id, {"care_team": [dan]}, clock())
    db.session.commit()
    outbox.clear()
    send_waiting()
    assert len(outbox) == 1
    clock.pass_by(days=1)
    digests.make(clock())
    db.session.commit()
    to_dan = (
        "SELECT severity, alert_email.state FROM alert_email JOIN alert ON alert.id = alert_id WHERE member_id = :dan"
    )
    assert sorted(rows(to_dan, dan=dan)) == [("prompt", "withheld"), ("routine", "withheld"), ("urgent", "sent")]
    # Of what waits, the digest counts the urgent alone.
    assert rows("SELECT member_id, urgent, prompt, routine FROM member_mail") == [(dan, 1, 0, 0)]


def test_granted_again_it_goes_on_from_that_day(actors: Actors, clock: Clock) -> None:
    withdraw(actors.ada, clock)
    clock.pass_by(days=10)
    grant_again(actors.ada, clock)
    assert due_at(actors) is not None
    clock.pass_by(days=2)
    assert assess_due(clock) == 1
    # The 4th to the 14th: both days were partly of the time between.
    assert record_of(actors.ada, clock()).paused == {date(2026, 5, 4) + timedelta(days=day) for day in range(11)}
    assert rows("SELECT * FROM alert") == []
    for _ in range(8):
        clock.pass_by(days=1)
        assess_due(clock)
    assert rows("SELECT rule FROM alert") == [("gone_silent",)]


def test_granted_again_the_care_team_hears_what_it_was_not_told(
    actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock)
    withdraw(actors.ada, clock)
    send_waiting()
    assert rows(STATES) == [WITHHELD]
    clock.pass_by(days=1)
    grant_again(actors.ada, clock)
    send_waiting()
    assert rows(STATES) == [("sent", None)]
    assert len(outbox) == 1


def test_the_clinics_pause_is_another_matter(actors: Actors, clock: Clock) -> None:
    bob = identities.of_member(actors.bob)
    patients.change_patient(bob, actors.ada.id, {"paused": True}, clock())
    db.session.commit()
    withdraw(actors.ada, clock)
    clock.pass_by(days=2)
    patients.change_patient(bob, actors.ada.id, {"paused": False}, clock())
    db.session.commit()
    assert rows("SELECT why, last_day FROM pause ORDER BY why") == [
        ("clinic", date(2026, 5, 6)), ("withdrawal", None)
    ]  # fmt: skip
    clock.pass_by(days=2)
    grant_again(actors.ada, clock)
    assert rows("SELECT last_day, begun_by, ended_by FROM pause WHERE why = 'withdrawal'") == [
        (date(2026, 5, 8), None, None)
    ]  # fmt: skip


def test_a_withheld_mail_is_no_alert_without_a_recipient(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    tell(actors, clock)
    tell(actors, clock, Severity.URGENT)
    withdraw(actors.ada, clock)
    send_waiting()
    found = client.get("/readyz").get_json()
    assert (found["alerts_without_recipient"], found["emails_waiting"]) == (0, 0)
    # An urgent one that nobody hears of is.
    change("DELETE FROM alert_email")
    assert client.get("/readyz").get_json()["alerts_without_recipient"] == 1
