"""Who must be looked at, and looking: idempotent, one bad patient at a time, every local day once."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server.extensions import db
from server.jobs.assessing import assess_all, enqueue_due
from server.models import PATIENT_HELD, Patient, Watch
from server.queue import waiting_for
from server.services import check_ins, watch
from server.settings import Settings
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, failing, one, rows
from tests.factories import Actors, check_in_body, make_patient


def check_in(patient: Patient, clock: Clock, **said: Any) -> None:
    body = check_in_body(clock(), **said) | {"recorded_at": clock()}
    check_ins.put_check_in(patient.id, uuid.uuid4(), body, clock())
    db.session.commit()


def test_a_check_in_makes_its_patient_due_at_once_and_nobody_else(actors: Actors, clock: Clock) -> None:
    make_patient(actors.bob, clock())
    assert watch.claim_due(clock()) == []
    db.session.commit()
    check_in(actors.ada, clock)
    assert watch.claim_due(clock()) == [actors.ada.id]


def test_a_claim_is_made_once_and_again_when_the_job_was_lost(actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock)
    assert enqueue_due(clock()) == 1
    db.session.commit()
    for _ in range(3):
        clock.pass_by(minutes=3)
        assert enqueue_due(clock()) == 0
    db.session.rollback()
    change("DELETE FROM procrastinate_jobs")
    assert enqueue_due(clock()) == 1
    db.session.rollback()


def test_what_waits_on_the_queue_is_gathered_once_however_many_wait(actors: Actors) -> None:
    """Looked for in each job's list anew, a caseload that waited for minutes stopped every tick."""
    lost = select(Watch.patient_id).where(~waiting_for("assess", "patient_ids", Watch.patient_id))
    asked = lost.compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = "\n".join(db.session.scalars(text(f"EXPLAIN {asked}")))
    assert "hashed SubPlan" in plan, plan


def test_of_two_claims_at_once_each_patient_is_in_one(app: Flask, actors: Actors, clock: Clock) -> None:
    patients = [actors.ada, *(make_patient(actors.bob, clock()) for _ in range(5))]
    for patient in patients:
        check_in(patient, clock)

    def claim() -> list[uuid.UUID]:
        claimed = list(watch.claim_due(clock()))
        db.session.commit()
        return claimed

    claimed = concurrently(app, claim, claim, claim)
    everybody = [patient_id for part in claimed for patient_id in part]
    assert sorted(everybody) == sorted(patient.id for patient in patients)


def test_looking_again_changes_nothing(actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock, craving=9.5)
    assert assess_all([actors.ada.id], clock()) == 1
    assert one("SELECT count(*) FROM alert") == 1
    before = digest()
    assert assess_all([actors.ada.id], clock()) == 0
    assert digest() == before
    change("UPDATE watch SET due_at = :now", now=clock())
    assert assess_all([actors.ada.id], clock()) == 1
    # But that it was done is counted.
    assert {name for name, found in digest().items() if found != before[name]} == {"tally"}


def test_two_looks_at_once_raise_once(app: Flask, actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock, craving=10)
    ada = actors.ada.id
    assert sorted(concurrently(app, *[lambda: assess_all([ada], clock())] * 3)) == [0, 0, 1]
    assert one("SELECT count(*) FROM alert_event") == 1


def test_two_days_of_severe_craving_are_raised_then_urgent(actors: Actors, clock: Clock) -> None:
    for _ in range(2):
        check_in(actors.ada, clock, craving=9)
        assess_all([actors.ada.id], clock())
        clock.pass_by(days=1)
    assert rows("SELECT rule, severity FROM alert") == [("craving_severe", "urgent")]
    assert rows("SELECT kind FROM alert_event ORDER BY id") == [("raised",), ("severity_raised",)]


@pytest.mark.parametrize(
    ("zone", "first", "ends"),
    [
        ("America/New_York", "2026-03-06T20:00Z", ["03-07T09:00", "03-08T08:00", "03-09T08:00"]),
        ("America/New_York", "2026-10-30T20:00Z", ["10-31T08:00", "11-01T09:00", "11-02T09:00"]),
        ("America/Santiago", "2026-09-04T20:00Z", ["09-05T08:00", "09-06T07:00", "09-07T07:00"]),
        ("Australia/Lord_Howe", "2026-10-01T20:00Z", ["10-02T17:30", "10-03T17:00", "10-04T17:00"]),
        ("Pacific/Apia", "2026-05-04T20:00Z", ["05-05T15:00", "05-06T15:00", "05-07T15:00"]),
    ],
)
def test_every_local_day_is_closed_once_at_its_end(
    actors: Actors, clock: Clock, zone: str, first: str, ends: list[str]
) -> None:
    """Nothing is due until the end of the day, then one look is, and no second."""
    clock.at = datetime.fromisoformat(first)
    patient = make_patient(actors.bob, clock(), zone=zone)
    for end in ends:
        clock.at = datetime.fromisoformat(f"2026-{end}Z")
        looks = []
        for minutes in (-1, 1, 1, 120):
            clock.pass_by(minutes=minutes)
            looks.append(assess_all([patient.id], clock()))
        assert looks == [0, 1, 0, 0]


def test_who_is_no_longer_here_is_not_looked_at_again(actors: Actors, clock: Clock) -> None:
    actors.ada.active = False
    check_in(actors.ada, clock)
    assess_all([actors.ada.id], clock())
    assert one("SELECT due_at FROM watch") is None


def break_patient(patient: Patient) -> None:
    """A real fault: treatment that ends in the year 12000, which no date can hold."""
    change(
        """WITH course AS (
             INSERT INTO course VALUES (gen_random_uuid(), :patient, 'other', 'other', 'x', 1, now()) RETURNING id
           )
           INSERT INTO session SELECT gen_random_uuid(), id, :patient, 1, '12000-01-01', now(), 'scheduled' FROM course
        """,
        patient=patient.id,
    )


def test_one_failing_patient_does_not_stop_the_others(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    eve, fay = (make_patient(actors.bob, clock()) for _ in range(2))
    for patient in (actors.ada, eve, fay):
        check_in(patient, clock, craving=10)
    break_patient(eve)
    assert assess_all([actors.ada.id, eve.id, fay.id], clock()) == 2
    assert set(rows("SELECT patient_id FROM alert")) == {(actors.ada.id,), (fay.id,)}
    failure = rows("SELECT failures, error, queued_at FROM watch WHERE patient_id = :id", id=eve.id)
    assert failure == [(1, "DataError", None)]
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["assessments_failing"]) == (200, 1)


@pytest.mark.parametrize("code", ["53200", "57014", "40P01", "22003"])
def test_whatever_fails_for_one_patient_the_others_are_looked_at(
    actors: Actors, clock: Clock, settings: Settings, code: str
) -> None:
    """Out of memory, a query cut off, a deadlock, a number out of range: the database is there all the same."""
    eve, fay = (make_patient(actors.bob, clock()) for _ in range(2))
    for patient in (actors.ada, eve, fay):
        check_in(patient, clock, craving=10)
    with failing(settings, "alert", f"NEW.patient_id = '{eve.id}'", code):
        assert assess_all([eve.id, actors.ada.id, fay.id], clock()) == 2
    assert rows("SELECT failures FROM watch WHERE patient_id = :id", id=eve.id) == [(1,)]


def test_a_database_that_goes_away_is_nobodys_failure(actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock)
    ada = actors.ada.id
    ours = db.session.scalar(text("SELECT pg_backend_pid()"))
    with db.engine.connect() as another:
        another.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": ours})
    with pytest.raises(DBAPIError):
        assess_all([ada], clock())
    assert rows("SELECT failures, error FROM watch") == [(0, None)]
    assert assess_all([ada], clock()) == 1


def test_a_failing_patient_is_tried_later_and_later_and_heals(actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock, craving=10)
    break_patient(actors.ada)
    pauses = []
    for _ in range(12):
        assess_all([actors.ada.id], clock())
        pause = one("SELECT due_at FROM watch") - clock()
        assert watch.claim_due(clock()) == []
        pauses.append(pause)
        clock.pass_by(seconds=pause.total_seconds())
    assert pauses[:3] == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == watch.LONGEST_PAUSE
    change("DELETE FROM session")
    assert assess_all([actors.ada.id], clock()) == 1
    assert rows("SELECT failures, error FROM watch") == [(0, None)]
    assert one("SELECT count(*) FROM alert") == 1


def test_a_new_check_in_of_a_failing_patient_is_looked_at_at_once(actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock)
    break_patient(actors.ada)
    assess_all([actors.ada.id], clock())
    clock.pass_by(seconds=30)
    check_in(actors.ada, clock)
    assert watch.claim_due(clock()) == [actors.ada.id]


def test_a_patient_who_is_gone_does_not_stop_the_others(actors: Actors, clock: Clock) -> None:
    check_in(actors.ada, clock, craving=10)
    assert assess_all([uuid.uuid4(), actors.ada.id], clock()) == 1


def test_a_replay_is_left_alone(actors: Actors, clock: Clock) -> None:
    actors.clinic.live = False
    check_in(actors.ada, clock)
    assert watch.claim_due(clock()) == []
    assert watch.due_in(actors.clinic.id, clock()) == [actors.ada.id]


def test_holding_one_patient_keeps_nobody_else_of_the_clinic_waiting(app: Flask, actors: Actors, clock: Clock) -> None:
    """While one request holds Ada's row, Eve's check-in goes through: a wait would be cut off as an error."""
    eve = make_patient(actors.bob, clock()).id
    db.session.get_one(Patient, actors.ada.id, with_for_update=PATIENT_HELD)

    def check_in_eve() -> bool:
        db.session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        body = check_in_body(clock()) | {"recorded_at": clock()}
        check_ins.put_check_in(eve, uuid.uuid4(), body, clock())
        db.session.commit()
        return True

    assert concurrently(app, check_in_eve) == [True]
    db.session.rollback()
