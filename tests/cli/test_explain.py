"""`flask explain`: the same record gives the same finding, and a record that changed is said to have."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from server.extensions import db
from server.jobs.assessing import assess_all
from server.services import check_ins, courses, identities, limits, patients
from tests.conftest import Clock
from tests.database import change, digest_but_audit, one, rows
from tests.factories import Actors, check_in_body, course_body

STEADY = (3, 4, 3, 2) * 4
WORSE = (7, 8, 7)


def check_in(actors: Actors, clock: Clock, back: int = 0, **said: Any) -> None:
    # A late one is of an hour later, and so counts for its day.
    at = clock() - timedelta(days=back) + timedelta(hours=min(back, 1))
    check_ins.put_check_in(actors.ada.id, uuid.uuid4(), check_in_body(at, **said) | {"recorded_at": at}, clock())
    db.session.commit()


def one_day(actors: Actors, clock: Clock, **said: Any) -> None:
    if said:
        check_in(actors, clock, **said)
        assess_all([actors.ada.id], clock())
    clock.pass_by(days=1)
    assess_all([actors.ada.id], clock())


def make_course(actors: Actors, clock: Clock, first_day: date, **fields: Any) -> Any:
    said = course_body(**fields) | {"first_day": first_day}
    course = courses.create_course(identities.of_member(actors.bob), actors.ada.id, said, clock())
    db.session.commit()
    return course.sessions[0].id


def explain(app: Flask, rule: str) -> Result:
    db.session.rollback()
    alert_id = one("SELECT id FROM alert WHERE rule = :rule", rule=rule)
    before = digest_but_audit()
    result = app.test_cli_runner().invoke(args=["explain", str(alert_id)])
    assert digest_but_audit() == before
    return result


def test_every_rule_replays_to_the_identical_finding(app: Flask, actors: Actors, clock: Clock) -> None:
    session_id = make_course(actors, clock, date(2026, 5, 4))
    for craving in STEADY:
        one_day(actors, clock, craving=craving, mood=10 - craving, used="no")
    for craving in WORSE:
        one_day(actors, clock, craving=craving, mood=10 - craving, used="no")
    one_day(actors, clock, craving=10, mood=0, used="yes", self_harm_thoughts="yes")
    courses.change_session(identities.of_member(actors.bob), session_id, {"state": "missed"}, clock())
    db.session.commit()
    for _ in range(12):
        one_day(actors, clock)
    # What comes after is no change of what was found.
    one_day(actors, clock, craving=2)
    make_course(actors, clock, date(2026, 7, 6))
    limits.change_limits(identities.of_member(actors.alice_admin), {"h": 2, "craving_severe": 5}, clock())
    patients.change_patient(identities.of_member(actors.bob), actors.ada.id, {"paused": True}, clock())
    db.session.commit()
    raised = [rule for (rule,) in rows("SELECT rule FROM alert ORDER BY rule")]
    assert raised == [
        *("craving_rising", "craving_severe", "gone_silent", "mood_falling", "mood_very_low"),
        *("safety_concern", "session_missed", "use_reported"),
    ]
    for rule in raised:
        result = explain(app, rule)
        assert result.exit_code == 0, result.output
        assert "Replayed from the record, it is identical." in result.output
        assert one("SELECT sentence FROM alert WHERE rule = :rule", rule=rule) in result.output


def test_the_middle_of_the_course_replays_too(app: Flask, actors: Actors, clock: Clock) -> None:
    make_course(actors, clock, date(2026, 5, 11), planned_sessions=20)
    for _ in range(20):
        one_day(actors, clock, craving=5)
    result = explain(app, "off_track")
    assert (result.exit_code, "a change of 0.0 (90% interval" in result.output) == (0, True)


def test_it_shows_what_the_finding_rests_on(app: Flask, actors: Actors, clock: Clock) -> None:
    one_day(actors, clock, craving=9.5, used="no")
    one_day(actors, clock)
    one_day(actors, clock, craving=None, mood=4)
    one_day(actors, clock, craving=9)
    one_day(actors, clock, craving=10)
    shown = explain(app, "craving_severe").output.splitlines()
    assert shown[2:10] == [
        "rule      craving_severe",
        "version   1",
        "day       2026-05-08",
        "severity  urgent",
        "sentence  Craving was 9 on 7 May and 10 on 8 May (limit 9), the second day in a row.",
        "basis     2026-05-07, 2026-05-08",
        "figures   check_ins 1, days 1, expected –, expected_sd –, limit 9, missed 0, observed 10",
        (
            "limits    craving_severe 9, h 4, mood_very_low 1, silent_chance 0.01, silent_days 3, use_free_days 7, "
            "version 1"
        ),
    ]
    assert [line for line in shown if line.startswith("2026-05-0")][-5:] == [
        "2026-05-04       9.5       –  no",
        "2026-05-05       no check-in",
        "2026-05-06         –       4  –",
        "2026-05-07         9       –  – *",
        "2026-05-08        10       –  – *",
    ]


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (9, "Today the rule craving_rising finds nothing on 2026-05-21."),
        (5, "sentence: was Craving averaged 7.5 over 2 check-ins since 20 May"),
    ],
)
def test_a_late_check_in_that_changes_it_is_named(
    app: Flask, actors: Actors, clock: Clock, late: float, words: str
) -> None:
    for craving in (*STEADY, *WORSE):
        one_day(actors, clock, craving=craving)
    assert explain(app, "craving_rising").exit_code == 0
    check_in(actors, clock, back=4, craving=late)  # 19 May: in place of the steady one of that day
    result = explain(app, "craving_rising")
    assert result.exit_code == 1
    assert "The record has changed since this alert was raised." in result.output
    assert "A check-in for 2026-05-19 was received at 2026-05-23 20:00 UTC." in result.output
    assert words in result.output
    clock.pass_by(minutes=1)
    assess_all([actors.ada.id], clock())
    result = explain(app, "craving_rising")
    assert result.exit_code == 0  # the alert says now what the record says, and why
    assert "Restated on 2026-05-23: A check-in for 19 May arrived later." in result.output


def test_a_session_that_was_attended_after_all_is_said(app: Flask, actors: Actors, clock: Clock) -> None:
    session_id = make_course(actors, clock, date(2026, 5, 4))
    for state in ("missed", "attended"):
        courses.change_session(identities.of_member(actors.bob), session_id, {"state": state}, clock())
        db.session.commit()
        assess_all([actors.ada.id], clock())
    result = explain(app, "session_missed")
    assert (result.exit_code, "session_missed finds nothing on 2026-05-04" in result.output) == (1, True)


def test_an_alert_of_before_a_limit_was_there_replays_all_the_same(app: Flask, actors: Actors, clock: Clock) -> None:
    one_day(actors, clock, craving=9)
    change("UPDATE alert SET thresholds = thresholds - 'silent_chance' - 'use_free_days'")
    assert explain(app, "craving_severe").exit_code == 0


def test_what_is_not_there_cannot_be_explained(app: Flask, actors: Actors, clock: Clock) -> None:
    run = app.test_cli_runner().invoke
    assert (run(args=["explain", "7"]).exit_code, run(args=["explain", str(uuid.uuid4())]).exit_code) == (2, 1)
    one_day(actors, clock, craving=9)
    change("""UPDATE alert SET thresholds = thresholds || '{"version": 5}'""")
    result = explain(app, "craving_severe")
    assert (result.exit_code, "Version 5 of the limits is not kept." in result.output) == (1, True)
