"""Bringing the standings of a caseload up to date, a day at a time: the days since, or whole diaries.

Which it is does not matter to the outcome: a row that took a diary in one day at a time, with whatever pauses in
between, is the row that a replay of the whole diary makes, bit for bit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from server.trends.course import Course, SessionState
from server.trends.progress import middle_day
from server.trends.record import DAY
from server.trends.standing import Answers, Awaiting, Standings, step
from server.trends.state import Bools, Floats, Ints
from server.trends.thresholds import Thresholds

ENDLESS = date.max.toordinal()


class Said(NamedTuple):
    """Check-ins that count, one a row in any order: whose (an index into the caseload), for which day, and what."""

    who: Ints
    day: Ints
    craving: Floats  # NaN where it was not rated
    mood: Floats
    used: Ints  # of USED


class Days(NamedTuple):
    """Single days of single patients."""

    who: Ints
    day: Ints


@dataclass(frozen=True, slots=True)
class News:
    """What there is to learn of a caseload; arrays of shape (patients,) unless said otherwise, days as ordinals."""

    after: Ints  # the last day that the row holds
    until: Ints  # the last day that is over
    monitored_from: Ints  # 0: not monitored
    monitored_until: Ints
    said: Said
    paused: Days
    unknown: Days  # of an outage of ours, or cut short by travel


def catch_up(rows: Standings, news: News, thresholds: Thresholds) -> tuple[Standings, Bools, Bools]:
    """The rows after each patient's last day that is over; who needs a closer look for it; and for the open day.

    `thresholds`: those of all of the row's days, and so of rows made under them alone: a day is judged as if they had
    always been in force, as by `assess_dated`. The open day is the one after `until`; it enters no row, as it may
    change yet.
    """
    patients = len(news.after)
    rows = rows.of(np.arange(patients))
    look: Bools = np.zeros((2, patients), np.bool_)
    if not patients:
        return rows, look[0], look[1]
    said = _by_day(news.said.day)
    paused, unknown = _by_day(news.paused.day), _by_day(news.unknown.day)
    for day in range(int(news.after.min()) + 1, int(news.until.max()) + 2):
        answers = _answers(patients, news.said, said.get(day))
        awaiting = Awaiting(
            (news.monitored_from > 0) & (news.monitored_from <= day) & (day <= news.monitored_until),
            _marked(patients, news.paused, paused.get(day)),
            _marked(patients, news.unknown, unknown.get(day)),
        )
        over = (news.after < day) & (day <= news.until)
        if over.all():
            rows, found = step(rows, day, answers, awaiting, thresholds)
            look[0] |= found
        elif over.any():
            who = np.flatnonzero(over)
            later, found = step(rows.of(who), day, answers.of(who), awaiting.of(who), thresholds)
            rows.put(who, later)
            look[0][who] |= found
        who = np.flatnonzero((day == news.until + 1) & answers.given)
        if len(who):
            look[1][who] = step(rows.of(who), day, answers.of(who), None, thresholds)[1]
    # A day beyond the open one: the patient has travelled back over the date line, or their clock was wrong.
    look[1][news.said.who[news.said.day > news.until[news.said.who] + 1]] = True
    return rows, look[0], look[1]


def enter_course(rows: Standings, who: int, course: Course | None, today: date) -> None:
    """What the row of a patient needs to know of a course, for the days after `today`."""
    if course is None or course.first_day is None or course.last_day is None:
        return
    rows.course_first[who], rows.course_last[who] = course.first_day.toordinal(), course.last_day.toordinal()
    # A session that was marked as missed before its day is news on the evening before it.
    missed = [one.day - DAY for one in course.standing if one.state is SessionState.MISSED]
    middle = middle_day(course)
    ahead = [day.toordinal() for day in [*missed, *([middle] if middle else [])] if day > today]
    rows.course_look[who] = min(ahead, default=0)


def days(marked: Iterable[tuple[int, date]]) -> Days:
    """(whose, day) as columns."""
    listed = [(who, day.toordinal()) for who, day in marked]
    who, day = zip(*listed, strict=True) if listed else ((), ())
    return Days(np.array(who, np.int64), np.array(day, np.int64))


def _by_day(day: Ints) -> dict[int, Ints]:
    """For each day the rows that are about it."""
    order = np.argsort(day, kind="stable")
    found, starts = np.unique(day[order], return_index=True)
    return dict(zip(found.tolist(), np.split(order, starts[1:]), strict=True)) if len(found) else {}


def _answers(patients: int, said: Said, at: Ints | None) -> Answers:
    given: Bools = np.zeros(patients, np.bool_)
    craving, mood = np.full((2, patients), np.nan)
    used = np.zeros(patients, np.int64)
    if at is not None:
        who = said.who[at]
        given[who], craving[who], mood[who], used[who] = True, said.craving[at], said.mood[at], said.used[at]
    return Answers(given, craving, mood, used)


def _marked(patients: int, marked: Days, at: Ints | None) -> Bools:
    found: Bools = np.zeros(patients, np.bool_)
    if at is not None:
        found[marked.who[at]] = True
    return found
