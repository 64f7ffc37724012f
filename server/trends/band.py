"""What the engine expected of one item, day by day: the band that a chart draws behind the ratings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from server.trends.course import Course
from server.trends.cusum import LEAST_VARIANCE, WARM_UP, advance
from server.trends.items import Item
from server.trends.readings import Reading
from server.trends.state import State, start

# The limit decides when a finding is due and nothing else: the band is the same for every clinic.
NO_LIMIT = float("inf")


@dataclass(frozen=True, slots=True)
class Expected:
    """What was expected on a day, before its rating was known, on the scale that the patient answers on.

    Both are None while there are too few ratings to expect anything.
    """

    day: date
    mean: float | None  # points, 0-10
    sd: float | None  # points, day to day


def expected_band(
    item: Item, readings: Sequence[Reading], course: Course | None, first: date, last: date
) -> tuple[Expected, ...]:
    """One Expected for each day of first..last, rated or not.

    `readings`: the whole history, oldest first, one a day; what is before `first` makes the expectation, what is
    after `last` is not looked at.
    """
    answers = dict(item.answers(readings))
    state = start()
    for day, rating in answers.items():
        if day < first:
            state = _step(state, item, day, rating, course)
    band = []
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        waiting = _step(state, item, day, None, course)
        band.append(_expected(waiting, item, day))
        state = _step(state, item, day, answers[day], course) if day in answers else waiting
    return tuple(band)


def _step(state: State, item: Item, day: date, rating: float | None, course: Course | None) -> State:
    turned = np.nan if rating is None else item.turn(rating)
    treatment_day = course.days_until(day) if course else 0
    return advance(state, day.toordinal(), turned, treatment_day, NO_LIMIT)[0]


def _expected(state: State, item: Item, day: date) -> Expected:
    """Reads a state that was brought to `day` without its rating: the drift is in, the rating is not."""
    if state.check_ins < WARM_UP:
        return Expected(day, None, None)
    variance = max(float(state.variance_sum / state.variance_weight), LEAST_VARIANCE)
    return Expected(day, item.turn(float(state.mean)), variance**0.5)
