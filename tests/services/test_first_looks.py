"""A change for everybody, and a first look at this moment at somebody of whom the change knows nothing yet."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from flask import Flask
from sqlalchemy import text

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient
from server.services import identities, limits, outages, watch
from tests.conftest import Clock
from tests.database import change, owner
from tests.factories import Actors, make_patient
from tests.services.test_passing_over import another, wait_for_a_lock
from tests.services.test_standings import check_in, remembered, replayed
from tests.statements import listen

# Rising at the end: of these the CUSUM's state is another one under a low limit.
RATINGS = (3, 4, 3, 4, 3, 4, 3, 4, 3, 4, 3, 4, 3, 4, 5, 5, 6, 6)

Change: TypeAlias = Callable[[Actors, Clock], None]


def have_other_limits(actors: Actors, clock: Clock) -> None:
    limits.change_limits(identities.of_member(actors.alice_admin), {"h": 1}, clock())


def be_down(actors: Actors, clock: Clock) -> None:
    """On the day that has just ended, and of which she said nothing."""
    outages.record_outage(clock() - timedelta(hours=24), clock() - timedelta(hours=12), clock())


READ_IN: dict[Change, str] = {have_other_limits: "FROM limits", be_down: "FROM outage"}
changes_for_all = pytest.mark.parametrize("happens", READ_IN)


@pytest.fixture
def ada(actors: Actors, clock: Clock) -> Patient:
    """A patient of whom there is no row yet, and of whose days the phone has told nothing."""
    clock.pass_by(days=len(RATINGS) + 1)
    change("DELETE FROM watch")
    db.session.commit()
    return actors.ada


def first_check_ins(ada: Patient, clock: Clock) -> None:
    """Of all days but the last that is over."""
    for back, rating in enumerate(reversed(RATINGS), start=2):
        check_in(ada, clock, back=back, craving=rating, mood=10 - rating, used="no")


def check_next_day(ada: Patient, clock: Clock) -> None:
    clock.pass_by(days=1)
    assert assess_all([ada.id], clock()) == 1
    assert remembered(ada) == replayed(ada, clock)


@changes_for_all
def test_what_a_first_look_wrote_while_it_was_under_way_does_not_stand(
    app: Flask, actors: Actors, ada: Patient, clock: Clock, happens: Change
) -> None:
    """Neither the phone nor the look waits for it."""
    with another(app, actors) as somebody:
        somebody.submit(happens, actors, clock).result()
        first_check_ins(ada, clock)
        assert assess_all([ada.id], clock()) == 1
        somebody.submit(db.session.commit).result()
    check_next_day(ada, clock)


@changes_for_all
def test_nor_what_one_wrote_that_read_before_its_end_and_ended_after_it(
    app: Flask, actors: Actors, ada: Patient, clock: Clock, happens: Change
) -> None:
    with another(app, actors) as somebody:
        somebody.submit(happens, actors, clock).result()
        first_check_ins(ada, clock)
        ends: list[None] = []

        def end(statement: str) -> None:
            if READ_IN[happens] in statement and not ends:
                ends.append(somebody.submit(db.session.commit).result())

        with listen(lambda _: None, end):
            assert assess_all([ada.id], clock()) == 1
        assert ends
    check_next_day(ada, clock)


@changes_for_all
def test_nor_what_one_writes_while_everybody_else_is_held_and_forgotten(
    app: Flask, actors: Actors, ada: Patient, clock: Clock, happens: Change
) -> None:
    eve = make_patient(actors.bob, clock())
    with another(app, actors) as somebody:
        with owner().begin() as holding:
            holding.execute(text("SELECT FROM watch WHERE patient_id = :id FOR UPDATE"), {"id": eve.id})
            waits = somebody.submit(happens, actors, clock)
            wait_for_a_lock("it waits for Eve")
            first_check_ins(ada, clock)
            assert watch.assess([ada.id], clock()) == 1
        waits.result()
        db.session.commit()
        somebody.submit(db.session.commit).result()
    check_next_day(ada, clock)


@changes_for_all
def test_it_waits_for_a_first_look_that_was_before_it(
    app: Flask, actors: Actors, ada: Patient, clock: Clock, happens: Change
) -> None:
    first_check_ins(ada, clock)
    with another(app, actors) as somebody:
        assert watch.assess([ada.id], clock()) == 1
        waits = somebody.submit(happens, actors, clock)
        wait_for_a_lock("it waits for the look")
        db.session.commit()
        stood, _ = remembered(ada)
        waits.result()
        somebody.submit(db.session.commit).result()
    assert stood
    assert remembered(ada)[0] is None
    check_next_day(ada, clock)
