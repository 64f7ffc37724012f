"""Where each patient of a caseload stands after a day: a row of fixed size, whatever the length of the history.

A step takes the rows and one day's answers and gives the rows after it, for all patients at once, and who must be
looked at closely: for the others no rule has anything to say about that day. What exactly it is that a rule says,
and in which words, is the rules' own affair, from the diary; here is only what they need to stay silent.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from server.trends.cusum import advance
from server.trends.items import CRAVING, MOOD
from server.trends.silence import BEGINS, CLEARLY_LONGER, GOES_ON, HABIT_DAYS, MOST_DAYS
from server.trends.state import Bools, Floats, Ints, State, start
from server.trends.thresholds import Thresholds

Standings: TypeAlias = NDArray[np.void]  # shape (patients,), of STANDING

VERSION = 1  # of the row below and of what leads to it: rows of another version are made anew from the diaries

_STATE = np.dtype([(name, "<f8" if zero.dtype.kind == "f" else "<i4") for name, zero in start()._asdict().items()])
STANDING = np.dtype(
    [
        ("craving", _STATE),
        ("mood", _STATE),
        ("free", "<i4"),  # days reported without use since the last use
        ("habit", "<i4"),  # the last HABIT_DAYS awaited days, a bit each, the newest lowest: was there a check-in
        ("awaited", "<i4"),  # of so many days
        ("silent", "<i4"),  # awaited days in a row without a check-in
        ("unlikely", "<i4"),  # how many of them the habit makes unlikely
        ("course_first", "<i4"),  # days are date.toordinal(); 0 for none
        ("course_last", "<i4"),
        ("course_look", "<i4"),  # the next day on which a rule about the course may have something to say
    ]
)
USED = {"no": 1, "yes": 2}  # 0: not answered, or rather not said
_WIDE = {"f": np.float64, "i": np.int64}
_NEWEST = (1 << HABIT_DAYS) - 1


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
    outage: Bools

    def of(self, who: Ints) -> "Awaiting":
        """Of some of the patients."""
        return Awaiting(self.monitored[who], self.paused[who], self.outage[who])


def nobody_yet(patients: int) -> Standings:
    """The rows before any day."""
    rows = np.zeros(patients, STANDING)
    for item in (CRAVING, MOOD):
        _keep(rows, item.field, start((patients,)))
    return rows


def step(
    rows: Standings, day: int, answers: Answers, awaiting: Awaiting | None, thresholds: Thresholds
) -> tuple[Standings, Bools]:
    """The rows after `day` (date.toordinal(), later than any that they have seen), and who needs a closer look.

    `awaiting`: None while the day is not over, when silence says nothing yet.
    """
    rows = rows.copy()
    treatment_day = np.maximum(np.minimum(day, rows["course_last"]) - rows["course_first"] + 1, 0)
    treatment_day *= rows["course_first"] > 0
    look: Bools = np.zeros(len(rows), np.bool_)
    for item, rating, limit in (
        (CRAVING, answers.craving, thresholds.craving_severe),
        (MOOD, answers.mood, thresholds.mood_very_low),
    ):
        turned = 10.0 - rating if item.turned else rating
        state, signal = advance(_state(rows, item.field), day, turned, treatment_day, thresholds.h)
        _keep(rows, item.field, state)
        look |= signal.fired | (turned >= item.turn(limit))
    used = answers.used == USED["yes"]
    look |= used & (rows["free"] >= thresholds.use_free_days)
    rows["free"] = np.where(used, 0, rows["free"] + (answers.used == USED["no"]))
    if awaiting is not None:
        look |= _fall_silent(rows, answers.given, awaiting, thresholds)
        look |= (rows["course_look"] > 0) & (day >= rows["course_look"])
    return rows, look


def _state(rows: Standings, item: str) -> State:
    held = rows[item]
    numbers: Any = {name: held[name].astype(_WIDE[held.dtype[name].kind]) for name in State._fields}
    return State(**numbers)


def _keep(rows: Standings, item: str, state: State) -> None:
    for name, values in state._asdict().items():
        rows[item][name] = values


def _fall_silent(rows: Standings, given: Bools, awaiting: Awaiting, thresholds: Thresholds) -> Bools:
    """The rule gone_silent, day by day; changes `rows`, and says whose silence has just become news."""
    monitored, paused, outage = awaiting
    ended = monitored & (given | paused)
    answered = monitored & given & ~paused
    missed = np.where(ended, rows["silent"], 0)
    habit = rows["habit"].astype(np.int64) << np.minimum(missed, HABIT_DAYS) << answered | answered
    rows["habit"] = habit & _NEWEST
    rows["awaited"] = np.minimum(rows["awaited"] + missed + answered, HABIT_DAYS)
    quiet = monitored & ~ended & ~outage
    begins = np.flatnonzero(quiet & (rows["silent"] == 0))
    rows["unlikely"][begins] = unlikely_lengths(rows["habit"][begins], rows["awaited"][begins], thresholds)
    rows["silent"] = np.where(ended, 0, rows["silent"] + quiet)
    silent, unlikely = rows["silent"], rows["unlikely"]
    news: Bools = quiet & ((silent == unlikely) | (silent == CLEARLY_LONGER * unlikely))
    return news


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
