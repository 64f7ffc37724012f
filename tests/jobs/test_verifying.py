"""What is remembered of a patient, held against the diary: a defect elsewhere does not keep a rule silent for long."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from server.extensions import db
from server.jobs import JOBS, tick
from server.jobs.assessing import assess_all
from server.jobs.verifying import verify_standings
from server.models import Patient
from server.services import verifying
from server.services.listed import Ids
from tests.conftest import Clock
from tests.database import altered, change, one, rows
from tests.factories import Actors, make_patient
from tests.log_net import every_line
from tests.services.test_standings import (
    be_down,
    begin_course,
    change_h,
    check_in,
    live,
    move_monitoring,
    pause,
    remembered,
    replayed,
    travel,
)

DAY = timedelta(days=1)
JOB = next(job for job in JOBS if job.name == "verify_standings")
COMPLAINT = "what was remembered of patients is not what their diaries say"
LOSE = f"UPDATE watch SET standing = {altered('standing')}"  # noqa: S608  # our own words
DUE = "SELECT due_at <= :now FROM watch WHERE patient_id = :id"


def verify(*patients: Patient) -> bool:
    """Each part that one of these is in; whether all was right."""
    with every_line() as lines:
        for part in {one.id.bytes[15] % verifying.PARTS for one in patients}:
            verify_standings(str(patients[0].clinic_id), part)
        lines.said.append("looked")
    return not any(COMPLAINT in line for line in lines.said)


def counted() -> dict[str, float]:
    return dict(rows("SELECT label, sum(counted)::float FROM tally WHERE name = 'standings' GROUP BY label"))


def test_what_is_right_stays(actors: Actors, clock: Clock) -> None:
    live(actors.ada, clock)
    before = remembered(actors.ada)
    assert verify(actors.ada)
    assert remembered(actors.ada) == before == replayed(actors.ada, clock)
    assert not one(DUE, id=actors.ada.id, now=clock())
    assert counted() == {"right": 1}


@pytest.mark.parametrize("happens", [pause, move_monitoring, travel, begin_course, be_down, change_h])
def test_whatever_a_rule_rests_on_it_is_right(
    actors: Actors, clock: Clock, happens: Callable[[Actors, Clock], None]
) -> None:
    """While it is not taken in yet, and after."""
    live(actors.ada, clock)
    happens(actors, clock)
    db.session.commit()
    assert verify(actors.ada)
    live(actors.ada, clock, (3, None, 4))
    assert remembered(actors.ada)[0] is not None
    assert verify(actors.ada)


def lose_a_bit(clock: Clock) -> None:
    change(LOSE)


def be_down_unsaid(clock: Clock) -> None:
    """As somebody might write it who forgets that anything rests on it."""
    change(
        "INSERT INTO outage (began_at, ended_at, source, recorded_at) VALUES (:began, :ended, 'operator', :ended)",
        began=clock() - timedelta(days=4),
        ended=clock() - timedelta(days=3),
    )


def lose_a_check_in(clock: Clock) -> None:
    change("DELETE FROM check_in WHERE received_at = (SELECT max(received_at) FROM check_in)")


@pytest.mark.parametrize("happens", [lose_a_bit, be_down_unsaid, lose_a_check_in])
def test_what_is_wrong_is_said_aloud_and_made_anew(
    actors: Actors, clock: Clock, happens: Callable[[Clock], None]
) -> None:
    live(actors.ada, clock)
    happens(clock)
    was = remembered(actors.ada)
    assert was != replayed(actors.ada, clock)
    assert not verify(actors.ada)
    assert remembered(actors.ada) == (None, was[1])
    assert one(DUE, id=actors.ada.id, now=clock())
    assert assess_all([actors.ada.id], clock()) == 1
    assert remembered(actors.ada) == replayed(actors.ada, clock)
    assert verify(actors.ada)
    assert counted() == {"right": 1, "wrong": 1}


def test_only_those_who_are_wrong(actors: Actors, clock: Clock) -> None:
    everybody = [actors.ada, *(make_patient(actors.bob, clock()) for _ in range(8))]
    for patient in everybody:
        check_in(patient, clock, craving=3, mood=7)
    clock.pass_by(days=1)
    assert assess_all([patient.id for patient in everybody], clock()) == len(everybody)
    change(f"{LOSE} WHERE patient_id = :id", id=everybody[4].id)
    assert not verify(*everybody)
    assert rows("SELECT patient_id FROM watch WHERE through IS NULL") == [(everybody[4].id,)]
    assert counted() == {"right": len(everybody) - 1, "wrong": 1}


def test_who_was_suspected_and_is_right_by_now_is_left_alone(actors: Actors, clock: Clock) -> None:
    """As when something changed between the reading of the standing and that of the diary."""
    live(actors.ada, clock)
    before = remembered(actors.ada)
    assert verifying.mend(Ids.of_all([actors.ada.id]), clock()) == 0
    db.session.commit()
    assert remembered(actors.ada) == before


def test_in_a_week_everybody_has_their_turn_once(app: Flask, actors: Actors, clock: Clock) -> None:
    turns = []
    for _ in range(verifying.PARTS):
        assert tick(JOB, DAY, clock()) == 2
        jobs = rows("DELETE FROM procrastinate_jobs WHERE task_name = 'verify_standings' RETURNING args")
        assert {uuid.UUID(args["clinic_id"]) for (args,) in jobs} == {actors.clinic.id, actors.elsewhere.id}
        turns += [(args["clinic_id"], args["part"]) for (args,) in jobs]
        clock.pass_by(days=1)
    assert len(set(turns)) == len(turns) == 2 * verifying.PARTS
