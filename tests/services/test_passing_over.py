"""Looks that are over quickly hold no patient's row and wait for nobody; what changes at that moment is not lost."""

import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient
from server.scope import enter
from server.services import check_ins, identities, patients, watch
from server.services.listed import Ids
from server.services.replays import replay_all_from
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.e2e.system import eventually
from tests.factories import Actors, check_in_body
from tests.services.test_standings import live, remembered, replayed

DUE = "SELECT due_at <= :now FROM watch WHERE patient_id = :id"


@contextmanager
def another(app: Flask, actors: Actors) -> Iterator[ThreadPoolExecutor]:
    """Somebody else, with transactions of their own."""

    def begin() -> None:
        app.app_context().push()
        enter(actors.clinic.id)

    with ThreadPoolExecutor(1, initializer=begin) as pool:
        yield pool
        pool.submit(db.session.remove).result()


def pass_over(patient_ids: list[uuid.UUID], clock: Clock) -> tuple[int, list[uuid.UUID]]:
    looked, others = watch.pass_over(Ids.of_all(patient_ids), clock())
    return looked, list(others)


def look(patient_ids: list[uuid.UUID], clock: Clock) -> tuple[int, list[uuid.UUID]]:
    found = pass_over(patient_ids, clock)
    db.session.commit()
    return found


def check_in_late(patient_id: uuid.UUID, clock: Clock, commit: bool = True) -> None:
    """Of yesterday, which is the day that is looked at now."""
    at = clock() - timedelta(hours=23)
    body = check_in_body(at, craving=5, mood=6) | {"recorded_at": at}
    check_ins.put_check_in(patient_id, uuid.uuid4(), body, clock())
    if commit:
        db.session.commit()


def wait_for_a_lock(what: str) -> None:
    eventually(lambda: bool(one("SELECT count(*) FROM pg_locks WHERE NOT granted")), what)


def test_it_waits_for_nobody_who_holds_a_patient(app: Flask, actors: Actors, eve: Patient, clock: Clock) -> None:
    """Nor does whoever holds one wait for it."""
    ada, both = actors.ada.id, [actors.ada.id, eve.id]
    db.session.commit()
    with another(app, actors) as somebody:
        somebody.submit(lambda: db.session.get_one(Patient, ada, with_for_update=True).id).result()
        db.session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        assert pass_over(both, clock) == (2, [])
        db.session.commit()
        somebody.submit(db.session.rollback).result()
    assert [one(DUE, id=patient_id, now=clock()) for patient_id in both] == [False, False]


def test_who_is_being_written_of_is_passed_over_and_looked_at_next(
    app: Flask, actors: Actors, eve: Patient, clock: Clock
) -> None:
    ada, both = actors.ada.id, [actors.ada.id, eve.id]
    db.session.commit()
    with another(app, actors) as somebody:
        somebody.submit(check_in_late, ada, clock, commit=False).result()
        db.session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        assert pass_over(both, clock) == (1, [ada])
        db.session.commit()
        somebody.submit(db.session.commit).result()
    assert one(DUE, id=ada, now=clock())
    assert assess_all(both, clock()) == 1
    assert remembered(actors.ada) == replayed(actors.ada, clock)
    assert remembered(eve) == replayed(eve, clock)


def pause(actors: Actors, clock: Clock) -> None:
    patients.change_patient(identities.of_member(actors.bob), actors.ada.id, {"paused": True}, clock())
    db.session.commit()


def move(actors: Actors, clock: Clock) -> None:
    """A patient who is in Auckland has been there for all of a day that New York has just ended."""
    fields = {"zone": "Pacific/Auckland"}
    patients.change_patient(identities.of_member(actors.bob), actors.ada.id, fields, clock())
    db.session.commit()


def be_late(actors: Actors, clock: Clock) -> None:
    check_in_late(actors.ada.id, clock)


def judge_that_day_anew(actors: Actors, clock: Clock) -> None:
    """The day that the look closes, and none before it."""
    replay_all_from((clock() - timedelta(days=1)).date(), actors.clinic.id)
    db.session.commit()


def be_down_on_it(actors: Actors, clock: Clock) -> None:
    replay_all_from((clock() - timedelta(days=1)).date())
    db.session.commit()


@pytest.mark.parametrize("happens", [be_late, pause, move, judge_that_day_anew, be_down_on_it])
def test_what_comes_while_a_look_is_under_way_makes_its_standing_be_made_anew(
    app: Flask, actors: Actors, eve: Patient, clock: Clock, happens: Any
) -> None:
    """It waits for the look to end, and decides by what the look wrote."""
    ada = actors.ada.id
    if happens is pause:  # begun at the very end of the day that the look closes
        ends = one("SELECT due_at FROM watch WHERE patient_id = :id", id=ada)
        began_at = Clock(ends - timedelta(seconds=1))
    else:
        began_at = Clock(clock())
    db.session.commit()
    assert pass_over([ada], clock) == (1, [])
    with another(app, actors) as somebody:
        waits: Future[None] = somebody.submit(happens, actors, began_at)
        with db.engine.connect() as watching:
            found = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            eventually(lambda: watching.execute(found).scalar_one() > 0 or waits.done(), "it waits for the look")
        assert not waits.done()
        db.session.commit()
        waits.result()
    through, _ = remembered(actors.ada)
    assert through is None
    live(actors.ada, clock, (None,))
    assert remembered(actors.ada) == replayed(actors.ada, clock)


def test_whoever_has_no_row_yet_gets_one_with_the_first_check_in(actors: Actors, clock: Clock) -> None:
    change("DELETE FROM watch")
    check_in_late(actors.ada.id, clock)
    assert rows("SELECT patient_id, through FROM watch WHERE due_at <= :now", now=clock()) == [(actors.ada.id, None)]
    assert assess_all([actors.ada.id], clock()) == 1
    assert remembered(actors.ada) == replayed(actors.ada, clock)


def test_a_check_in_of_the_open_day_leaves_the_standing_and_one_of_a_closed_day_does_not(
    actors: Actors, clock: Clock
) -> None:
    live(actors.ada, clock, (3, 4))
    kept = remembered(actors.ada)
    body = check_in_body(clock()) | {"recorded_at": clock()}
    check_ins.put_check_in(actors.ada.id, uuid.uuid4(), body, clock())
    db.session.commit()
    assert remembered(actors.ada) == kept
    assert one(DUE, id=actors.ada.id, now=clock())
    check_in_late(actors.ada.id, clock)
    assert remembered(actors.ada) == (None, kept[1])


def test_who_is_not_due_needs_no_closer_look(actors: Actors, clock: Clock) -> None:
    live(actors.ada, clock, (3,))
    assert pass_over([uuid.uuid4(), actors.ada.id], clock) == (0, [])
    assert pass_over([], clock) == (0, [])
    check_in_late(actors.ada.id, clock)  # behind the standing
    assert pass_over([uuid.uuid4(), actors.ada.id], clock) == (0, [actors.ada.id])


def test_whoever_takes_no_part_is_not_looked_at_though_a_row_said_so(actors: Actors, clock: Clock) -> None:
    change("UPDATE patient SET withdrawn_at = :now", now=clock())
    change("UPDATE watch SET due_at = :now, queued_at = :now", now=clock())
    assert watch.claim_due(clock() + timedelta(days=1)) == []
    assert watch.due_in(actors.clinic.id, clock()) == []
    assert rows("SELECT clinics_with_due('assess', :now)", now=clock()) == []
    assert one("SELECT assessment_due_since FROM health_counts()") is None
    db.session.commit()
    assert assess_all([actors.ada.id], clock()) == 0
    assert one("SELECT looked_at FROM watch") is None
