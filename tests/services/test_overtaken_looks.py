"""What is written of a patient between a look's reading and its writing: the look passes the patient over."""

import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient
from server.services import due, identities, limits, outages, patients, standings, watch
from server.services.listed import Ids
from tests.conftest import Clock
from tests.database import change, one, owner
from tests.factories import Actors
from tests.services.test_passing_over import (
    DUE,
    another,
    be_late,
    check_in_late,
    judge_that_day_anew,
    look,
    move,
    wait_for_a_lock,
)
from tests.services.test_standings import live, remembered, replayed

# Once patients are read, once their check-ins are, and once all is that a look needs.
MOMENTS = [(due, "_newer"), (watch, "look_over"), (watch, "write_back")]


@contextmanager
def under_way(
    app: Flask, actors: Actors, clock: Clock, monkeypatch: pytest.MonkeyPatch, moment: tuple[ModuleType, str]
) -> Iterator[Future[tuple[int, list[uuid.UUID]]]]:
    """A look at Ada that has found her due, and waits at this moment until this is over."""
    where, name = moment
    goes_on, reached, over = getattr(where, name), Event(), Event()

    def wait(*given: Any) -> Any:
        reached.set()
        assert over.wait(60)
        return goes_on(*given)

    with another(app, actors) as somebody:
        monkeypatch.setattr(where, name, wait)
        looks = somebody.submit(look, [actors.ada.id], clock)
        assert reached.wait(60)
        monkeypatch.setattr(where, name, goes_on)
        yield looks
        over.set()
        looks.result()
    db.session.rollback()


def have_other_limits(actors: Actors, clock: Clock) -> None:
    limits.change_limits(identities.of_member(actors.alice_admin), {"h": 2}, clock())
    db.session.commit()


def be_down(actors: Actors, clock: Clock) -> None:
    noon = clock() - timedelta(hours=16)
    outages.record_outage(noon - timedelta(hours=6), noon, clock())
    db.session.commit()


def be_down_since_midnight(actors: Actors, clock: Clock) -> None:
    """In UTC; for Ada it is her evening, of the day that the look closes. What is remembered ends before it."""
    midnight = clock() - timedelta(hours=20)
    outages.record_outage(midnight, midnight + timedelta(hours=4), clock())
    db.session.commit()


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment[1])
@pytest.mark.parametrize(
    "happens", [be_late, move, have_other_limits, judge_that_day_anew, be_down, be_down_since_midnight]
)
def test_who_was_written_of_since_they_were_read_is_not_passed_by_what_was_read(
    app: Flask,
    actors: Actors,
    eve: Patient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    happens: Any,
    moment: tuple[ModuleType, str],
) -> None:
    assert eve.active
    db.session.commit()
    with under_way(app, actors, clock, monkeypatch, moment) as looks:
        happens(actors, clock)
    assert looks.result() == (0, [actors.ada.id])
    assert one(DUE, id=actors.ada.id, now=clock())
    assert assess_all([actors.ada.id], clock()) == 1
    assert remembered(actors.ada) == replayed(actors.ada, clock)


def vacuum(how: str) -> None:
    with owner().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"VACUUM ({how}) watch"))


def test_a_row_is_not_taken_for_the_one_that_lay_there_before(actors: Actors, eve: Patient, clock: Clock) -> None:
    """PostgreSQL puts a new one where there is room, and there is where a vacuum has taken an old one away."""
    assert eve.active
    where = "SELECT ctid FROM watch WHERE patient_id = :id"
    db.session.commit()
    vacuum("FULL")
    written = "UPDATE watch SET failures = failures WHERE patient_id = :id"
    change(written, id=actors.ada.id)
    lay, clinic = one(where, id=actors.ada.id), actors.clinic
    read = due.read_standing(Ids.of_all([actors.ada.id]), clock())
    batch = standings.look_over(clinic, standings.limits_of(clinic), read, clock())
    assert not batch.close.any()
    db.session.commit()
    be_late(actors, clock)
    vacuum("INDEX_CLEANUP ON")
    change(written, id=actors.ada.id)
    assert one(where, id=actors.ada.id) == lay
    assert standings.write_back(batch, ~batch.close, clock()) == 0


def test_who_is_written_of_while_their_row_is_written_is_not_passed_by_what_was_read(
    app: Flask, actors: Actors, eve: Patient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits, for as long as it would for a phone; then the row is another one, and stays as it is."""
    monkeypatch.setattr(due, "_EACH_BY_ITS_KEY", select(func.set_config("lock_timeout", "20s", True)))
    ada, both = actors.ada.id, [actors.ada.id, eve.id]
    check_in_late(ada, clock, commit=False)
    with another(app, actors) as somebody:
        looks = somebody.submit(look, both, clock)
        wait_for_a_lock("it waits for the phone")
        db.session.commit()
        assert looks.result() == (1, [ada])
    assert [one(DUE, id=patient_id, now=clock()) for patient_id in both] == [True, False]
    assert assess_all([ada], clock()) == 1
    assert remembered(actors.ada) == replayed(actors.ada, clock)


def test_whose_writer_thinks_better_of_it_is_passed(
    app: Flask, actors: Actors, eve: Patient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "_EACH_BY_ITS_KEY", select(func.set_config("lock_timeout", "20s", True)))
    both = [actors.ada.id, eve.id]
    check_in_late(actors.ada.id, clock, commit=False)
    with another(app, actors) as somebody:
        looks = somebody.submit(look, both, clock)
        wait_for_a_lock("it waits for the phone")
        db.session.rollback()
        assert looks.result() == (2, [])
    assert remembered(actors.ada) == replayed(actors.ada, clock)


@pytest.mark.parametrize("monitored", [True, False])
def test_who_takes_part_again_while_a_look_is_under_way_stays_due(
    app: Flask, actors: Actors, clock: Clock, monkeypatch: pytest.MonkeyPatch, monitored: bool
) -> None:
    bob, ada = identities.of_member(actors.bob), actors.ada.id
    if not monitored:
        patients.change_patient(bob, ada, {"monitored_from": None}, clock())
    live(actors.ada, clock, (3, 4, 3))
    patients.change_patient(bob, ada, {"active": False}, clock())
    db.session.commit()
    clock.pass_by(days=1)
    with under_way(app, actors, clock, monkeypatch, (watch, "write_back")):
        patients.change_patient(bob, ada, {"active": True}, clock())
        db.session.commit()
    assert one("SELECT due_at FROM watch WHERE patient_id = :id", id=ada) is not None
