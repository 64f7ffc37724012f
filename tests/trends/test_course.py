"""The course joined to the days."""

from datetime import date, timedelta

import pytest

from server.trends import Course, Phase, Place, Session, SessionState
from tests.trends.histories import lasting, marked

MONDAY = date(2025, 5, 5)
WEEKS = "aaaaa  " * 3
BEFORE, COURSE, TAPER, AFTER = Phase

# name, marks from Monday 5 May, day (0 is that Monday), phase, day of course, session, days since the last attended
PLACES: list[tuple[str, str, int, Phase, int | None, int | None, int | None]] = [
    ("the day before", "aa...", -1, BEFORE, None, None, None),
    ("the first day", "aa...", 0, COURSE, 1, 1, 0),
    ("a session planned today", "aa...", 2, COURSE, 3, 3, 1),
    ("one missed", "am...", 1, COURSE, 2, 2, 1),
    ("one cancelled is none", "aca..", 1, COURSE, 2, 1, 1),
    ("none attended yet", "mm...", 1, COURSE, 2, 2, None),
    ("a weekend", WEEKS, 6, COURSE, 7, 5, 2),
    ("the last day", "aaa..", 4, COURSE, 5, 5, 2),
    ("the day after", "aaaaa", 5, AFTER, None, 5, 1),
    ("a month after", "aaaaa", 34, AFTER, None, 5, 30),
    ("the first session cancelled moves the start", "caaaa", 0, BEFORE, None, None, None),
    ("and the last one the end", "aaaac", 4, AFTER, None, 4, 1),
    ("all cancelled", "cc", 1, BEFORE, None, None, None),
    ("no session at all", "", 3, BEFORE, None, None, None),
]


@pytest.mark.parametrize(
    ("marks", "day", "phase", "day_of_course", "session", "since"),
    [row[1:] for row in PLACES],
    ids=[row[0] for row in PLACES],
)
def test_places(
    marks: str, day: int, phase: Phase, day_of_course: int | None, session: int | None, since: int | None
) -> None:
    found = marked(marks, MONDAY).place(MONDAY + timedelta(days=day))
    assert found == Place(phase, day_of_course, session, since)


# name, marks from Monday 5 May, the day on which the taper starts
TAPERS: list[tuple[str, str, int | None]] = [
    ("none", WEEKS, None),
    ("a last week of two is what remains", WEEKS + "..", None),
    ("two weeks of two", WEEKS + ". .      . .", 21),
    ("two, one, one", WEEKS + "  . .        .       .", 23),
    ("three is not fewer than half", WEEKS + ". . .  . .    .", 28),
    ("a thin week within is no taper", ".....  .      .....  .....", None),
    ("a week off before the last", WEEKS + "       ..", 28),
    ("accelerated, then weekly", "....." + " " * 9 + "." + " " * 6 + ".", 14),
    ("twice a week throughout", ".  .   " * 5, None),
    ("one session", ".", None),
]


@pytest.mark.parametrize(("marks", "start"), [row[1:] for row in TAPERS], ids=[row[0] for row in TAPERS])
def test_taper(marks: str, start: int | None) -> None:
    course = marked(marks, MONDAY)
    assert course.last_day
    days = [MONDAY + timedelta(days=index) for index in range((course.last_day - MONDAY).days + 1)]
    tapered = [day for day in days if course.place(day).phase is TAPER]
    assert tapered == ([] if start is None else days[start:])
    assert course.place(course.last_day + timedelta(days=1)).phase is AFTER


def test_days_of_treatment() -> None:
    course = lasting(date(2025, 5, 1), date(2025, 5, 20))
    days = (date(2025, 4, 1), date(2025, 4, 30), date(2025, 5, 1), date(2025, 5, 20), date(2025, 6, 1))
    assert [course.days_until(day) for day in days] == [0, 0, 1, 20, 20]
    assert marked("cc", MONDAY).days_until(MONDAY) == 0


def test_the_order_of_sessions_does_not_matter_and_numbers_are_unique() -> None:
    first, second = Session(1, MONDAY), Session(2, MONDAY, SessionState.MISSED)
    assert Course((second, first)) == Course((first, second))
    with pytest.raises(ValueError, match="same number"):
        Course((first, Session(1, date(2025, 6, 1))))
