"""What the engine is told of a course."""

from datetime import date, time, timedelta
from typing import Any

from server.extensions import db
from server.services import courses, identities
from server.trends import Treatment
from tests.conftest import Clock
from tests.database import change
from tests.factories import Actors, course_body


def create(actors: Actors, clock: Clock, **said: Any) -> None:
    fields = course_body(**said)
    fields["first_day"] = date.fromisoformat(fields["first_day"])
    courses.create_course(identities.of_member(actors.bob), actors.ada.id, fields, clock())
    db.session.commit()


def test_treatment_is_from_the_first_to_the_last_session_that_stands(actors: Actors, clock: Clock) -> None:
    assert courses.treatment_of(actors.ada.id) is None
    create(actors, clock, planned_sessions=10)
    assert courses.treatment_of(actors.ada.id) == Treatment(date(2026, 5, 4), date(2026, 5, 15))
    change("UPDATE session SET state = 'cancelled' WHERE number IN (1, 10)")
    db.session.rollback()
    assert courses.treatment_of(actors.ada.id) == Treatment(date(2026, 5, 5), date(2026, 5, 14))
    change("UPDATE session SET state = 'cancelled'")
    db.session.rollback()
    assert courses.treatment_of(actors.ada.id) is None


def test_the_latest_course_is_the_treatment(actors: Actors, clock: Clock) -> None:
    create(actors, clock, planned_sessions=10)
    clock.pass_by(days=60)
    create(actors, clock, first_day="2026-07-06", planned_sessions=1)
    assert courses.treatment_of(actors.ada.id) == Treatment(date(2026, 7, 6), date(2026, 7, 6))


def test_sessions_never_end() -> None:
    starts = courses.session_starts(
        date(2026, 1, 1), time(9), "Europe/Oslo", weekdays=[0], per_day=1, gap=timedelta(hours=1)
    )
    thousand = [next(starts) for _ in range(1000)]
    assert {start.weekday() for start in thousand} == {0}
    assert len(set(thousand)) == 1000
