"""What is remembered of a patient: what the whole diary would say, at the same cost however long the diary is."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient
from server.services import check_ins, courses, identities, limits, outages, patients, profiles
from server.services.limits import thresholds_of
from server.services.records import record_of
from server.trends.standing import VERSION
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors, check_in_body, course_body, make_patient
from tests.statements import asked
from tests.trends.standings import stand

RATINGS = (3, 4, 3, None, 5, 4, 3, 2, None, None, 3, 4)  # nothing that a rule would speak of


def check_in(patient: Patient, clock: Clock, back: int = 0, **said: Any) -> None:
    at = clock() - timedelta(days=back)
    check_ins.put_check_in(patient.id, uuid.uuid4(), check_in_body(at, **said) | {"recorded_at": at}, clock())
    db.session.commit()


def live(patient: Patient, clock: Clock, ratings: tuple[int | None, ...] = RATINGS) -> None:
    """A day for each rating, looked at once it is over."""
    for rating in ratings:
        if rating is not None:
            check_in(patient, clock, craving=rating, mood=10 - rating, used="no")
        clock.pass_by(days=1)
        assess_all([patient.id], clock())


def remembered(patient: Patient) -> tuple[date | None, bytes]:
    db.session.rollback()
    return rows("SELECT through, standing FROM watch WHERE patient_id = :id", id=patient.id)[0]


def replayed(patient: Patient, clock: Clock) -> tuple[date, bytes]:
    db.session.rollback()
    record = record_of(patient, clock())
    return record.today, stand([record], thresholds_of(patient.clinic_id)).packed()


def test_it_is_what_the_whole_diary_says(actors: Actors, clock: Clock) -> None:
    live(actors.ada, clock)
    assert remembered(actors.ada) == replayed(actors.ada, clock)


def test_a_late_check_in_is_taken_in_from_the_first_day(actors: Actors, clock: Clock) -> None:
    live(actors.ada, clock)
    before = remembered(actors.ada)
    check_in(actors.ada, clock, back=3, craving=6)
    assert remembered(actors.ada)[0] is None
    assess_all([actors.ada.id], clock())
    assert remembered(actors.ada) == replayed(actors.ada, clock) != before


def test_a_check_in_of_today_or_one_that_does_not_count_changes_nothing_behind(actors: Actors, clock: Clock) -> None:
    live(actors.ada, clock)
    before = remembered(actors.ada)
    check_in(actors.ada, clock, craving=4)
    at = clock() - timedelta(days=1, hours=8)  # an earlier report of a day that has a later one
    check_ins.put_check_in(actors.ada.id, uuid.uuid4(), check_in_body(at, craving=9) | {"recorded_at": at}, clock())
    db.session.commit()
    assert remembered(actors.ada) == before
    assess_all([actors.ada.id], clock())
    assert remembered(actors.ada) == before == replayed(actors.ada, clock)


def pause(actors: Actors, clock: Clock) -> None:
    patients.change_patient(identities.of_member(actors.bob), actors.ada.id, {"paused": True}, clock())


def move_monitoring(actors: Actors, clock: Clock) -> None:
    fields = {"monitored_from": clock().date() - timedelta(days=5)}
    patients.change_patient(identities.of_member(actors.bob), actors.ada.id, fields, clock())


def travel(actors: Actors, clock: Clock) -> None:
    profiles.change_own(identities.of_patient(actors.ada), {"zone": "Pacific/Auckland"}, clock())


def begin_course(actors: Actors, clock: Clock) -> None:
    fields = course_body() | {"first_day": date(2026, 5, 6)}
    courses.create_course(identities.of_member(actors.bob), actors.ada.id, fields, clock())


def be_down(actors: Actors, clock: Clock) -> None:
    outages.record_outage(clock() - timedelta(days=4, hours=6), clock() - timedelta(days=3), clock())


def change_h(actors: Actors, clock: Clock) -> None:
    limits.change_limits(identities.of_member(actors.alice_admin), {"h": 2}, clock())


@pytest.mark.parametrize("happens", [pause, move_monitoring, travel, begin_course, be_down, change_h])
def test_whatever_else_a_rule_rests_on_is_taken_in(
    actors: Actors, clock: Clock, happens: Callable[[Actors, Clock], None]
) -> None:
    live(actors.ada, clock)
    happens(actors, clock)
    db.session.commit()
    live(actors.ada, clock, (3, None, 4))
    assert remembered(actors.ada) == replayed(actors.ada, clock)


@pytest.mark.parametrize(
    "rot",
    [
        "UPDATE watch SET version = 99",
        "UPDATE watch SET standing = 'x'",
        "UPDATE watch SET standing = NULL, version = NULL",
    ],
)
def test_one_that_this_engine_did_not_make_is_made_anew(actors: Actors, clock: Clock, rot: str) -> None:
    live(actors.ada, clock)
    change(rot)
    live(actors.ada, clock, (3,))
    assert remembered(actors.ada) == replayed(actors.ada, clock)
    assert one("SELECT version FROM watch") == VERSION


def test_many_calm_patients_take_as_few_statements_as_two(actors: Actors, clock: Clock) -> None:
    everybody = [actors.ada, *(make_patient(actors.bob, clock()) for _ in range(5))]
    ids, counts = [patient.id for patient in everybody], []
    for size in (2, 6):
        for _ in range(3):
            for patient in everybody:
                check_in(patient, clock, craving=3, mood=7)
            clock.pass_by(days=1)
            with asked() as said:
                assert assess_all(ids[:size], clock()) == size
            db.session.rollback()
        counts.append(len(said))
    assert counts[0] == counts[1] < 13
    assert one("SELECT count(*) FROM alert") == 0
