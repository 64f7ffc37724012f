"""What the tests themselves begin in: a world that is put back is the one that was made, whatever a test did to it."""

from flask import Flask

from server.extensions import db
from server.services import clinics
from tests.conftest import Clock
from tests.database import change, digest, rows
from tests.factories import Actors, make_actors
from tests.worlds import Worlds


def begin_again(worlds: Worlds, clock: Clock) -> Actors:
    db.session.remove()
    worlds.empty()
    return worlds.begin(make_actors, at=clock())


def test_nothing_of_the_last_test_is_in_it(app: Flask, clock: Clock, worlds: Worlds) -> None:
    first, before = begin_again(worlds, clock), digest()
    change("UPDATE member SET name = 'Somebody else'")
    change("DELETE FROM care_team")
    assert digest() != before
    again = begin_again(worlds, clock)
    assert digest() == before
    assert again.bob is not first.bob
    assert (again.bob.name, again.carol.name, again.ada.team[0].member) == ("Bob", "Carol", again.bob)


def test_what_is_changed_through_it_is_changed(app: Flask, actors: Actors, clock: Clock, worlds: Worlds) -> None:
    bob = begin_again(worlds, clock).bob
    bob.active = False
    db.session.commit()
    assert rows("SELECT name FROM member WHERE NOT active") == [("Bob",)]


def test_at_another_hour_it_is_another(actors: Actors, clock: Clock, worlds: Worlds) -> None:
    clock.pass_by(hours=1)
    assert begin_again(worlds, clock).clinic.created_at == clock()


def test_whoever_wrote_before_it_keeps_what_was_written(app: Flask, clock: Clock, worlds: Worlds) -> None:
    clinics.create_clinic("North", "Europe/Berlin", clock())
    worlds.begin(make_actors, at=clock())
    assert rows("SELECT name FROM clinic ORDER BY name") == [("Bob's clinic",), ("Carol's clinic",), ("North",)]
