"""Closer looks at many patients at once: what one at a time would have said, at the cost of few."""

import os
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient
from server.services import check_ins, courses, identities, watch
from tests.conftest import MONDAY, Clock
from tests.database import change, one, rows
from tests.factories import Actors, check_in_body, course_body, make_patient
from tests.statements import asked

EXAMPLES = max(3, int(os.environ.get("CONTRACT_RUNS", "0")) // 10)
DAYS = 20
answers = st.none() | st.tuples(st.integers(2, 10), st.integers(0, 8), st.sampled_from(["no", "no", "yes", None]))
late = st.sampled_from([0, 0, 0, 1, 3])
diaries = st.lists(st.tuples(answers, late), min_size=DAYS, max_size=DAYS)
missed = st.sets(st.integers(1, 10), max_size=3)
lives = st.lists(st.tuples(diaries, missed), min_size=2, max_size=4)
Life = tuple[list[tuple[Any, int]], set[int]]


def begin(actors: Actors, clock: Clock, life: Life) -> Patient:
    """A patient in treatment from the third day on, who misses some of the sessions."""
    patient = make_patient(actors.bob, clock(), monitored_from=MONDAY.date())
    fields = course_body(planned_sessions=10) | {"first_day": MONDAY.date() + timedelta(days=2)}
    course = courses.create_course(identities.of_member(actors.bob), patient.id, fields, clock())
    db.session.commit()
    for number in life[1]:
        change("UPDATE session SET state = 'missed' WHERE course_id = :id AND number = :n", id=course.id, n=number)
    return patient


def post(patient: Patient, life: Life, clock: Clock) -> None:
    """What arrives today, of this day or an earlier one."""
    for day, (said, days_late) in enumerate(life[0]):
        at = MONDAY + timedelta(days=day)
        if said and at + timedelta(days=days_late) == clock():
            body = check_in_body(at, craving=said[0], mood=said[1], used=said[2]) | {"recorded_at": at}
            check_ins.put_check_in(patient.id, uuid.uuid4(), body, clock())
            db.session.commit()


def told(patient: Patient) -> Sequence[Sequence[tuple[Any, ...]]]:
    """All that the looks have left behind, but for ids."""
    db.session.rollback()
    alerts = """SELECT rule, rule_version, severity, state, day, last_day, sentence, basis, figures, thresholds,
                raised_at, superseded_at, escalate_at FROM alert WHERE patient_id = :id ORDER BY rule, raised_at"""
    events = """SELECT rule, kind, at, event.severity, event.day, event.sentence, event.basis, stands_on, reason
                FROM alert_event AS event JOIN alert ON alert.id = alert_id WHERE patient_id = :id
                ORDER BY rule, event.id"""
    emails = """SELECT rule, email.member_id, email.state, event.day, email.due_at FROM alert_email AS email
                JOIN alert_event AS event ON event.id = event_id JOIN alert ON alert.id = email.alert_id
                WHERE patient_id = :id ORDER BY rule, event.id, email.member_id"""
    stands = "SELECT through, standing, due_at, looked_at, failures FROM watch WHERE patient_id = :id"
    return [rows(statement, id=patient.id) for statement in (alerts, events, emails, stands)]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=lives)
def test_together_is_as_one_by_one(actors: Actors, clock: Clock, lives: list[Life]) -> None:
    clock.at = MONDAY
    apart, together = ([begin(actors, clock, life) for life in lives] for _ in range(2))
    for day in range(DAYS):
        clock.at = MONDAY + timedelta(days=day)
        for group in (apart, together):
            for patient, life in zip(group, lives, strict=True):
                post(patient, life, clock)
        for hours in (0, 15):  # on the open day, and once it is over
            clock.pass_by(hours=hours)
            for patient in apart:
                assess_all([patient.id], clock())
            assess_all([patient.id for patient in together], clock())
    assert [told(patient) for patient in together] == [told(patient) for patient in apart]
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'deliver'"
    assert one(jobs) == one("SELECT count(*) FROM alert_email WHERE state = 'queued'")


def test_many_take_as_few_statements_as_one(actors: Actors, clock: Clock) -> None:
    everybody, counts = [actors.ada, *(make_patient(actors.bob, clock()) for _ in range(5))], []
    for size in (1, 6):
        change("DELETE FROM alert_email; DELETE FROM alert_event; DELETE FROM alert")
        for patient in everybody:
            body = check_in_body(clock(), craving=10, mood=0) | {"recorded_at": clock()}
            check_ins.put_check_in(patient.id, uuid.uuid4(), body, clock())
        db.session.commit()
        ids = [patient.id for patient in everybody[:size]]
        db.session.commit()
        with asked() as said:
            assert watch.assess(ids, clock()) == size
        db.session.commit()
        assert one("SELECT count(*) FROM alert_email") == 2 * size
        counts.append(len(said))
        clock.pass_by(days=1)
    assert counts[0] == counts[1] < 32


def test_news_of_a_day_is_told_of_each_in_its_own_words(actors: Actors, clock: Clock) -> None:
    eve = make_patient(actors.bob, clock())
    for patient, craving in ((actors.ada, 9), (eve, 10)):
        body = check_in_body(clock(), craving=craving) | {"recorded_at": clock()}
        check_ins.put_check_in(patient.id, uuid.uuid4(), body, clock())
    db.session.commit()
    assert assess_all([actors.ada.id, eve.id], clock()) == 2
    assert dict(rows("SELECT patient_id, sentence FROM alert")) == {
        actors.ada.id: "Craving was 9 on 4 May (limit 9).",
        eve.id: "Craving was 10 on 4 May (limit 9).",
    }
