"""What the engine is told of a course."""

from datetime import date, time, timedelta
from typing import Any

from server.extensions import db
from server.services import courses, identities
from server.trends import Course, Session, SessionState
from tests.conftest import Clock
from tests.database import change
from tests.factories import Actors, course_body


def create(actors: Actors, clock: Clock, **said: Any) -> None:
    fields = course_body(**said)
    fields["first_day"] = date.fromisoformat(fields["first_day"])
    courses.create_course(identities.of_member(actors.bob), actors.ada.id, fields, clock())
    db.session.commit()


def told(actors: Actors) -> Course | None:
    db.session.rollback()
    return courses.course_of(actors.ada.id)


def test_the_engine_is_told_of_every_session(actors: Actors, clock: Clock) -> None:
    assert told(actors) is None
    create(actors, clock, planned_sessions=2)
    change("UPDATE session SET state = 'cancelled' WHERE number = 1")
    course = told(actors)
    assert course == Course(
        (Session(1, date(2026, 5, 4), SessionState.CANCELLED), Session(2, date(2026, 5, 5), SessionState.SCHEDULED))
    )
    assert (course.first_day, course.last_day) == (date(2026, 5, 5), date(2026, 5, 5))


def test_the_latest_course_is_the_treatment(actors: Actors, clock: Clock) -> None:
    create(actors, clock, planned_sessions=10)
    first = told(actors)
    begun = clock()
    clock.pass_by(days=60)
    create(actors, clock, first_day="2026-07-06", planned_sessions=1)
    assert told(actors) == Course((Session(1, date(2026, 7, 6)),))
    assert courses.course_of(actors.ada.id, begun) == first


def test_sessions_never_end() -> None:
    starts = courses.session_starts(
        date(2026, 1, 1), time(9), "Europe/Oslo", weekdays=[0], per_day=1, gap=timedelta(hours=1)
    )
    thousand = [next(starts) for _ in range(1000)]
    assert {start.weekday() for start in thousand} == {0}
    assert len(set(thousand)) == 1000
