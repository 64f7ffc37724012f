"""The rules about silence, sessions, use and progress, from the tables to the alert: told once, and louder once."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Outcome, Patient
from server.services import alerts, check_ins, courses, identities, patients
from tests.conftest import Clock
from tests.database import digest_but_audit, one, rows
from tests.factories import Actors, check_in_body, course_body, signed_in

EVENTS = """
    SELECT alert.rule, alert_event.kind, alert_event.severity, alert_event.day
    FROM alert_event JOIN alert ON alert.id = alert_event.alert_id ORDER BY alert_event.id
"""


def check_in(patient: Patient, clock: Clock, back: int = 0, **said: Any) -> None:
    at = clock() - timedelta(days=back)
    check_ins.put_check_in(patient.id, uuid.uuid4(), check_in_body(at, **said) | {"recorded_at": at}, clock())
    db.session.commit()


def days(patient: Patient, clock: Clock, marks: str, **said: Any) -> None:
    """A mark a day: x checks in. Each day is looked at after the check-in, and once when it is over."""
    for mark in marks:
        if mark == "x":
            check_in(patient, clock, **said)
            assess_all([patient.id], clock())
        clock.pass_by(days=1)
        assess_all([patient.id], clock())
        assert assess_all([patient.id], clock()) == 0


def told(rule: str) -> list[tuple[str, str, date]]:
    """The events of this rule's alerts: kind, severity and day."""
    db.session.rollback()
    return [(kind, severity, day) for name, kind, severity, day in rows(EVENTS) if name == rule]


def mails() -> int:
    return int(one("SELECT count(*) FROM alert_email"))


def change(actors: Actors, clock: Clock, **fields: Any) -> None:
    patients.change_patient(identities.of_member(actors.alice_admin), actors.ada.id, fields, clock())
    db.session.commit()


def make_course(actors: Actors, clock: Clock, **said: Any) -> list[uuid.UUID]:
    """The ids of its sessions."""
    fields = course_body(**said)
    fields["first_day"] = date.fromisoformat(fields["first_day"])
    course = courses.create_course(identities.of_member(actors.bob), actors.ada.id, fields, clock())
    db.session.commit()
    return [session.id for session in course.sessions]


def test_a_day_that_travel_took_is_left_out_of_a_silence(app: Flask, actors: Actors, clock: Clock) -> None:
    change(actors, clock, zone="America/Los_Angeles")
    days(actors.ada, clock, "x" * 14 + "  ", zone="America/Los_Angeles")  # silent on 18 and 19 May
    change(actors, clock, zone="Australia/Sydney")  # on the 21st, at six in the morning
    days(actors.ada, clock, "  ")
    assert told("gone_silent") == []
    days(actors.ada, clock, " ")
    assert told("gone_silent") == [("raised", "routine", date(2026, 5, 23))]
    assert one("SELECT sentence FROM alert") == (
        "No check-in for 5 days (1 day lost to travel left out), since 17 May; "
        "this patient checked in on 14 of 14 days before."
    )
    explained = app.test_cli_runner().invoke(args=["explain", str(one("SELECT id FROM alert"))])
    assert explained.exit_code == 0
    assert "2026-05-20         cut short\n" in explained.output


def test_a_silence_is_told_once_and_again_when_it_is_clearly_longer(actors: Actors, clock: Clock) -> None:
    days(actors.ada, clock, "x" * 14)  # 4 to 17 May
    days(actors.ada, clock, " " * 4)
    assert told("gone_silent") == []  # the fifth silent day is still open
    days(actors.ada, clock, " ")
    assert told("gone_silent") == [("raised", "routine", date(2026, 5, 22))]
    sentence = "No check-in for 5 days, since 17 May; this patient checked in on 14 of 14 days before."
    assert one("SELECT sentence FROM alert") == sentence
    days(actors.ada, clock, " " * 4)
    assert len(told("gone_silent")) == 1
    days(actors.ada, clock, " " * 10)
    assert told("gone_silent") == [
        ("raised", "routine", date(2026, 5, 22)),
        ("severity_raised", "prompt", date(2026, 5, 27)),
    ]
    assert mails() == 2


def test_a_silence_that_was_dealt_with_is_not_told_again_but_the_next_one_is(actors: Actors, clock: Clock) -> None:
    days(actors.ada, clock, "x" * 14 + " " * 5)
    alerts.resolve(identities.of_member(actors.bob), one("SELECT id FROM alert"), Outcome.CONTACTED, None, clock())
    db.session.commit()
    days(actors.ada, clock, "x" * 3)
    assert one("SELECT count(*) FROM alert") == 1
    days(actors.ada, clock, " " * 8)
    assert rows("SELECT state, severity, day FROM alert ORDER BY day") == [
        ("resolved", "routine", date(2026, 5, 22)),
        ("open", "routine", date(2026, 6, 2)),
    ]


def test_a_late_check_in_that_moves_a_silence_makes_no_second_alert_of_it(actors: Actors, clock: Clock) -> None:
    days(actors.ada, clock, "x" * 14 + " " * 5)
    check_in(actors.ada, clock, back=5)  # for 18 May: silent since the 19th
    days(actors.ada, clock, " " * 3)
    assert [kind for kind, _, _ in told("gone_silent")] == ["raised", "restated"]
    assert mails() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"paused": True},
        {"monitored_until": date(2026, 5, 19)},
        {"monitored_from": None},
        {"monitored_from": date(2027, 1, 1)},
    ],
    ids=str,
)
def test_who_is_paused_or_not_monitored_is_not_silent(actors: Actors, clock: Clock, fields: dict[str, Any]) -> None:
    days(actors.ada, clock, "x" * 14)
    change(actors, clock, **fields)
    days(actors.ada, clock, " " * 12)
    assert rows("SELECT * FROM alert") == []


def test_a_session_that_is_marked_missed_is_told_and_two_in_a_row_are_louder(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    ids = make_course(actors, clock, planned_sessions=5)

    def mark(number: int, state: str) -> None:
        answer = client.patch(f"/v1/sessions/{ids[number - 1]}", json={"state": state}, headers=bob)
        assert answer.status_code == 200
        db.session.rollback()
        assert assess_all([actors.ada.id], clock()) == 1

    bob = signed_in(app, actors.bob)
    mark(1, "missed")
    assert told("session_missed") == [("raised", "routine", date(2026, 5, 4))]
    assert one("SELECT sentence FROM alert") == "TMS session 1 of 5, on 4 May, was missed."
    clock.pass_by(days=2)
    bob = signed_in(app, actors.bob)
    mark(3, "missed")
    assert told("session_missed")[1:] == [("repeated", "routine", date(2026, 5, 6))]
    mark(2, "missed")
    assert told("session_missed")[2:] == [
        ("severity_raised", "prompt", date(2026, 5, 5)),
        ("repeated", "prompt", date(2026, 5, 6)),
    ]
    before = digest_but_audit()
    mark(2, "missed")
    assert {name for name, found in digest_but_audit().items() if found != before[name]} <= {"patient", "tally"}
    assert mails() == 2


def test_two_sessions_of_one_day_are_two(actors: Actors, clock: Clock) -> None:
    bob = identities.of_member(actors.bob)
    for session_id in make_course(actors, clock, planned_sessions=2, sessions_per_day=2):
        courses.change_session(bob, session_id, {"state": "missed"}, clock())
    db.session.commit()
    for _ in range(3):
        assess_all([actors.ada.id], clock())
        clock.pass_by(days=1)
    assert told("session_missed") == [
        ("raised", "routine", date(2026, 5, 4)),
        ("severity_raised", "prompt", date(2026, 5, 4)),
    ]
    assert mails() == 1


def test_use_after_a_week_reported_without_is_told(actors: Actors, clock: Clock) -> None:
    days(actors.ada, clock, "x" * 8, used="no")
    days(actors.ada, clock, "xxx", used="yes")
    assert told("use_reported") == [("raised", "prompt", date(2026, 5, 12))]


def test_no_improvement_by_the_middle_of_the_course_is_told_once(actors: Actors, clock: Clock) -> None:
    ids = make_course(actors, clock, first_day="2026-05-11", planned_sessions=20)
    days(actors.ada, clock, "x" * 18, craving=5)  # to 21 May; the tenth session is on the 22nd
    assert told("off_track") == []
    days(actors.ada, clock, "x" * 3, craving=5)
    assert told("off_track") == [("raised", "routine", date(2026, 5, 22))]
    alerts.resolve(
        identities.of_member(actors.bob), one("SELECT id FROM alert"), Outcome.NO_ACTION_NEEDED, None, clock()
    )
    for session_id in ids[-4:]:  # the middle moves to 20 May
        courses.change_session(identities.of_member(actors.bob), session_id, {"state": "cancelled"}, clock())
    days(actors.ada, clock, "xx", craving=5)
    assert [kind for kind, _, _ in told("off_track")] == ["raised", "acknowledged", "resolved"]
