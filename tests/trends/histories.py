"""Records made by hand, for tests of rules."""

from collections.abc import Iterable
from datetime import date, timedelta

from server.trends import Course, Finding, Reading, Record, Session, SessionState, Thresholds, assess

MARKS = {".": SessionState.SCHEDULED, "a": SessionState.ATTENDED, "m": SessionState.MISSED, "c": SessionState.CANCELLED}


def lasting(first_day: date, last_day: date) -> Course:
    """A course of two sessions, the first and the last."""
    return Course((Session(1, first_day), Session(2, last_day)))


def marked(marks: str, first_day: date) -> Course:
    """A session a day from the first day on, each with its mark; a blank is a day without one."""
    days = [(mark, first_day + timedelta(days=index)) for index, mark in enumerate(marks) if mark != " "]
    return Course(tuple(Session(number, day, MARKS[mark]) for number, (mark, day) in enumerate(days, start=1)))


def judge(
    readings: Iterable[Reading], course: Course | None = None, thresholds: Thresholds | None = None
) -> tuple[Finding, ...]:
    """What every rule finds, once the last day that was reported is over."""
    said = tuple(readings)
    today = max((reading.day for reading in said), default=date(2025, 5, 1))
    return assess(Record(said, today, course), thresholds or Thresholds())
