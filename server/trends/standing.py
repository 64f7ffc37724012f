"""Where each patient of a caseload stands after a day: a row of fixed size, whatever the length of the history.

A step takes the rows and one day's answers and gives the rows after it, for all patients at once, and who must be
looked at closely: for the others no rule has anything to say about that day. What exactly it is that a rule says,
and in which words, is the rules' own affair, from the diary; here is only what they need to stay silent.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from server.trends.course import CourseDays
from server.trends.cusum import advance
from server.trends.items import MOOD
from server.trends.readings import HIGHEST
from server.trends.silence import BEGINS, CLEARLY_LONGER, GOES_ON, HABIT_DAYS, MOST_DAYS
from server.trends.state import Bools, Floats, Ints, State, start
from server.trends.thresholds import Thresholds

VERSION = 1  # of the row below and of what leads to it: rows of another version are made anew from the diaries
USED = {"no": 1, "yes": 2}  # 0: not answered, or rather not said
_NEWEST = (1 << HABIT_DAYS) - 1

_Column: TypeAlias = NDArray[Any]


class Standings(NamedTuple):
    """Columns of shape (patients,). Days are date.toordinal(), 0 for none."""

    craving: State
    mood: State
    free: Ints  # days reported without use since the last use
    habit: Ints  # the last HABIT_DAYS awaited days, a bit each, the newest lowest: was there a check-in
    awaited: Ints  # of so many days
    silent: Ints  # awaited days in a row without a check-in
    unlikely: Ints  # how many of them the habit makes unlikely
    course_first: Ints
    course_last: Ints
    course_look: Ints  # the next day on which a rule about the course may have something to say

    def columns(self) -> tuple[_Column, ...]:
        """All of them, in the order of ROW."""
        return (*self.craving, *self.mood, *self[2:])

    def of(self, who: Ints | Bools) -> "Standings":
        """Some of the patients."""
        return _standings([column[who] for column in self.columns()])

    def put(self, who: Ints | Bools, rows: "Standings") -> None:
        """Writes the rows of some of the patients in their places."""
        for column, new in zip(self.columns(), rows.columns(), strict=True):
            column[who] = new

    def packed(self) -> bytes:
        """A row of ROW for each patient, one behind the other, to be kept."""
        rows = np.empty(len(self.free), ROW)
        for name, column in zip(ROW.names or (), self.columns(), strict=True):
            rows[name] = column
        return rows.tobytes()


def _standings(columns: Sequence[_Column]) -> Standings:
    states = len(State._fields)
    return Standings(State(*columns[:states]), State(*columns[states : 2 * states]), *columns[2 * states :])


def nobody_yet(patients: int) -> Standings:
    """The rows before any day."""
    numbers = [np.zeros(patients, np.int64) for _ in Standings._fields[2:]]
    # Each state has columns of its own, so that they may be written to.
    states = chain.from_iterable([column.copy() for column in start((patients,))] for _ in range(2))
    return _standings([*states, *numbers])


def unpacked(rows: bytes) -> Standings:
    """What `packed` gave."""
    kept = np.frombuffer(rows, ROW)
    return _standings([kept[name].astype(_WIDE[kept.dtype[name].kind]) for name in ROW.names or ()])


_WIDE = {"f": np.float64, "i": np.int64}
ROW = np.dtype(
    [(str(place), "<f8" if column.dtype.kind == "f" else "<i4") for place, column in enumerate(nobody_yet(0).columns())]
)


class Answers(NamedTuple):
    """What was answered on a day, by patient."""

    given: Bools  # was there a check-in
    craving: Floats  # NaN where it was not rated
    mood: Floats
    used: Ints  # of USED

    def of(self, who: Ints) -> "Answers":
        """Of some of the patients."""
        return Answers(self.given[who], self.craving[who], self.mood[who], self.used[who])


class Awaiting(NamedTuple):
    """Whether a check-in was awaited on a day, by patient."""

    monitored: Bools
    paused: Bools
    unknown: Bools

    def of(self, who: Ints) -> "Awaiting":
        """Of some of the patients."""
        return Awaiting(self.monitored[who], self.paused[who], self.unknown[who])


def step(
    rows: Standings, day: int, answers: Answers, awaiting: Awaiting | None, thresholds: Thresholds
) -> tuple[Standings, Bools]:
    """The rows after `day` (date.toordinal(), later than any that they have seen), and who needs a closer look.

    `awaiting`: None while the day is not over, when silence says nothing yet.
    """
    treatment_day = CourseDays(rows.course_first, rows.course_last).until(day)
    worse = HIGHEST - answers.mood
    craving, rising = advance(rows.craving, day, answers.craving, treatment_day, thresholds.h)
    mood, falling = advance(rows.mood, day, worse, treatment_day, thresholds.h)
    look = rising.fired | falling.fired
    look |= (answers.craving >= thresholds.craving_severe) | (worse >= MOOD.turn(thresholds.mood_very_low))
    used = answers.used == USED["yes"]
    look |= used & (rows.free >= thresholds.use_free_days)
    free = (rows.free + (answers.used == USED["no"])) * ~used
    rows = rows._replace(craving=craving, mood=mood, free=free)
    if awaiting is not None:
        rows, fell_silent = _fall_silent(rows, answers.given, awaiting, thresholds)
        look |= fell_silent | ((rows.course_look > 0) & (day >= rows.course_look))
    return rows, look


def _fall_silent(rows: Standings, given: Bools, awaiting: Awaiting, thresholds: Thresholds) -> tuple[Standings, Bools]:
    """The rule gone_silent, day by day, and whose silence has just become news."""
    monitored, paused, unknown = awaiting
    ended = monitored & (given | paused)
    answered = ended & ~paused
    quiet = monitored & ~ended & ~unknown
    missed = rows.silent * ended
    habit = (rows.habit << np.minimum(missed, HABIT_DAYS) << answered | answered) & _NEWEST
    awaited = np.minimum(rows.awaited + missed + answered, HABIT_DAYS)
    begins = np.flatnonzero(quiet & (rows.silent == 0))
    unlikely = rows.unlikely.copy()
    unlikely[begins] = unlikely_lengths(habit[begins], awaited[begins], thresholds)
    silent = rows.silent * ~ended + quiet
    news: Bools = quiet & ((silent == unlikely) | (silent == CLEARLY_LONGER * unlikely))
    return rows._replace(habit=habit, awaited=awaited, silent=silent, unlikely=unlikely), news


def unlikely_lengths(habit: Ints, awaited: Ints, thresholds: Thresholds) -> Ints:
    """`silence.unlikely_length` of many habits: the same operations in the same order."""
    pairs = (1 << np.maximum(awaited.astype(np.int64) - 1, 0)) - 1  # a bit for each day that has one before it
    earlier, later = habit >> 1 & pairs, habit & pairs
    after_check_in = np.bitwise_count(earlier).astype(np.int64)
    in_gap = np.maximum(awaited - 1, 0) - after_check_in
    chance = (BEGINS[0] + np.bitwise_count(earlier & ~later)) / (sum(BEGINS) + after_check_in)
    goes_on = GOES_ON[0] + np.bitwise_count(pairs & ~earlier & ~later)
    days = sum(GOES_ON) + in_gap
    lengths = np.ones(len(habit), np.int64)
    growing: Bools = np.ones(len(habit), np.bool_)
    for length in range(1, max(thresholds.silent_days, MOST_DAYS)):
        growing &= (length < thresholds.silent_days) | ((length < MOST_DAYS) & (chance > thresholds.silent_chance))
        chance = chance * ((goes_on + length - 1) / (days + length - 1))
        lengths += growing
    return lengths
