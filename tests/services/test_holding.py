"""A patient's row as those hold it who take reports, and the rows that go in with it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Integer, bindparam, select

from server.extensions import db, table_of
from server.models import CheckIn
from server.services.holding import hold
from server.services.row_sets import adding, given_rows
from tests.conftest import Clock
from tests.database import digest
from tests.factories import Actors, new_id


def test_what_is_set_goes_into_the_row_and_into_the_sessions_own_object_of_it(actors: Actors, clock: Clock) -> None:
    ada = actors.ada
    assert ada.changes != 7
    held = hold(ada.id)
    held.changes = 7
    ada.region = "CA"
    held.write()
    assert (ada.changes, ada.region) == (7, "CA")
    # What the object changes afterwards begins from there.
    ada.changes += 1
    db.session.flush()
    assert hold(ada.id).changes == 8


def test_what_was_not_set_is_not_written(actors: Actors) -> None:
    held = hold(actors.ada.id)
    actors.ada.changes = 5
    db.session.flush()
    held.write()
    assert hold(actors.ada.id).changes == 5


def test_of_what_rests_on_a_row_that_is_not_added_nothing_is_written(actors: Actors, clock: Clock) -> None:
    first = adding(table_of(CheckIn), unless=select(bindparam("known", type_=Integer)))
    before, held = digest(), hold(actors.ada.id)
    held.changes, held.quarantined = 7, 2
    held.look_at_once(clock(), clock().date())
    assert not held.write_if(first, {"known": 1, **given_rows([])})
    # Nor is it left over for what is written next.
    held.write()
    assert (held.changes, held.quarantined) == (actors.ada.changes, actors.ada.quarantined)
    db.session.commit()
    assert digest() == before


def test_a_naive_time_does_not_go_in(actors: Actors, clock: Clock) -> None:
    naive: datetime = clock().replace(tzinfo=None)
    with pytest.raises(TypeError, match="naive"):
        given_rows([{"recorded_at": naive}])


def test_rows_go_in_as_they_are(actors: Actors, clock: Clock) -> None:
    ada, id_ = actors.ada, new_id()
    row = {column.name: None for column in table_of(CheckIn).columns} | {
        "patient_id": ada.id,
        "clinic_id": ada.clinic_id,
        "id": id_,
        "recorded_at": clock() - timedelta(microseconds=1),
        "received_at": clock(),
        "zone": ada.zone,
        "offset_minutes": -240,
        "offset_known": True,
        "day": clock().date(),
        "form_version": 'quotes " and \\ and ü',
        "craving": "4.5",
        "substances": ["alcohol", "a,b {c}"],
        "triggers": [],
        "note_sealed": bytes(range(256)),
        "counts": True,
        "version": 1,
        "change": 1,
    }
    db.session.execute(adding(table_of(CheckIn)), given_rows([row]))
    stored = db.session.get_one(CheckIn, (ada.id, id_))
    for name in ("recorded_at", "form_version", "substances", "triggers", "note_sealed", "counts", "mood", "used"):
        assert getattr(stored, name) == row[name], name
    assert str(stored.craving) == "4.5"
