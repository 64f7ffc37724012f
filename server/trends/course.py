"""The course of TMS, joined to the days: which day of it, which session, how long since the last, which phase."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from server.trends.readings import require_day
from server.trends.state import Ints

WEEK = timedelta(days=7)


class SessionState(StrEnum):
    """What became of one TMS session."""

    SCHEDULED = "scheduled"
    ATTENDED = "attended"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """Where in its treatment a day lies."""

    BEFORE = "before"
    COURSE = "course"
    TAPER = "taper"  # the end of the course, with fewer than half as many sessions a week
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Session:
    """One session: its number in the course, the clinic's day that it is planned for, and what became of it."""

    number: int
    day: date
    state: SessionState = SessionState.SCHEDULED

    def __post_init__(self) -> None:
        """Raise ValueError for an instant in place of a day."""
        require_day("a session's day", self.day)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one day lies in the course. None: nothing to count from."""

    phase: Phase
    day_of_course: int | None  # 1 on the first day; None before the course and after it
    session: int | None  # the number of the latest session planned up to this day
    days_since_session: int | None  # since the last one that was attended; 0 on its own day


@dataclass(frozen=True, slots=True)
class Course:
    """A course is its sessions; a cancelled one counts for nothing but the numbering."""

    sessions: tuple[Session, ...]  # kept in time, in whatever order they are given
    standing: tuple[Session, ...] = field(init=False, compare=False)  # those not cancelled
    first_day: date | None = field(init=False, compare=False)  # of those that stand; None without any
    last_day: date | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Raise ValueError when two sessions have one number."""
        in_time = tuple(sorted(self.sessions, key=lambda session: (session.day, session.number)))
        standing = tuple(session for session in in_time if session.state is not SessionState.CANCELLED)
        if len({session.number for session in in_time}) < len(in_time):
            raise ValueError("two sessions of one course have the same number")
        object.__setattr__(self, "sessions", in_time)
        object.__setattr__(self, "standing", standing)
        object.__setattr__(self, "first_day", standing[0].day if standing else None)
        object.__setattr__(self, "last_day", standing[-1].day if standing else None)

    def days_until(self, day: date) -> int:
        """Days of treatment up to and including `day`: 0 before it, standing still once it is over."""
        if self.first_day is None or self.last_day is None:
            return 0
        return max(0, (min(day, self.last_day) - self.first_day).days + 1)

    def place(self, day: date) -> Place:
        """Where `day` lies in this course."""
        phase = self._phase(day)
        during = phase in (Phase.COURSE, Phase.TAPER)
        planned = [session.number for session in self.standing if session.day <= day]
        attended = [session.day for session in self.standing if _attended(session) and session.day <= day]
        return Place(
            phase=phase,
            day_of_course=self.days_until(day) if during else None,
            session=planned[-1] if planned else None,
            days_since_session=(day - attended[-1]).days if attended else None,
        )

    def _phase(self, day: date) -> Phase:
        if self.first_day is None or self.last_day is None or day < self.first_day:
            return Phase.BEFORE
        if day > self.last_day:
            return Phase.AFTER
        tapers_on = taper_start([session.day for session in self.standing])
        return Phase.TAPER if tapers_on and day >= tapers_on else Phase.COURSE


class CourseDays(NamedTuple):
    """The first and the last day of many courses, as ordinals of shape (courses,); 0 where there is none."""

    first: Ints
    last: Ints

    @classmethod
    def of(cls, courses: Sequence[Course | None]) -> "CourseDays":
        ends = [(one.first_day, one.last_day) if one else (None, None) for one in courses]
        days = [[day.toordinal() if day else 0 for day in both] for both in ends]
        return cls(*np.array(days, np.int64).reshape(-1, 2).T)

    def until(self, day: int | Ints) -> Ints:
        """`Course.days_until` of each."""
        days: Ints = np.maximum(np.minimum(day, self.last) - self.first + 1, 0) * (self.first > 0)
        return days


def taper_start(days: Sequence[date]) -> date | None:
    """The first session of the weeks at the end that hold fewer than half the sessions of the busiest; or None.

    Weeks begin on Monday. One such week alone is what remains of a course, not a taper. `days` are in order.
    """
    weeks = Counter(_monday(day) for day in days)
    if not weeks:
        return None
    busiest, start = max(weeks.values()), _monday(days[-1]) + WEEK
    while 2 * weeks[start - WEEK] < busiest:
        start -= WEEK
    if _monday(days[-1]) - start < WEEK:
        return None
    return next(day for day in days if day >= start)


def _attended(session: Session) -> bool:
    return session.state is SessionState.ATTENDED


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
