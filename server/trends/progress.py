"""off_track: by the middle of the course, no improvement that can be told from this person's day-to-day swings.

The week up to the middle is compared with the person's own first week of check-ins, by the difference of the means
and its 90% interval. Ratings of neighbouring days resemble each other, so a week of them says less than seven
independent ones; an interval that ignores this is too short (Tang & Landes 2020, PLoS ONE 15(2): e0228077). Here
the correlation between two days is CORRELATION to the power of the days between them, so gaps count for what they
are. It is fixed, not estimated: two weeks cannot show it, and daily ratings have 0 to 0.25. Simulated so, with an SD
of 1.0 to 2.0 and a quarter of the days missed, the interval held the true change in 85 to 98%. Two weeks can show no
more than this: of those who had improved by 2 points, 26 to 58% were still listed. So it is routine, and says by how
much it may be wrong.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import NormalDist

import numpy as np

from server.trends.course import Course
from server.trends.findings import Evidence, Severity
from server.trends.items import CRAVING
from server.trends.record import Record
from server.trends.sentences import name_day
from server.trends.state import PRIOR_SD, PRIOR_WEIGHT, Floats
from server.trends.thresholds import Thresholds

WEEK_DAYS = 7
REACH = timedelta(days=28)  # check-ins longer before the course belong to other times
LEAST_CHECK_INS = 4  # in each of the two weeks
LEAST_ROOM = 2.0  # points of craving in the first week; below it there is little to improve
CORRELATION = 0.3  # from one day to the next
CONFIDENCE = 0.90

Ratings = list[tuple[date, float]]


@dataclass(frozen=True, slots=True)
class Change:
    """Craving in the first week, in the week up to the middle, and the difference with its interval."""

    first_week: float
    first_check_ins: int
    observed: float
    check_ins: int
    change: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """The numbers by name, ready for JSON."""
        return asdict(self)


def off_track(record: Record, _thresholds: Thresholds) -> Iterator[Evidence]:
    """Once, when the day of the middle session is over: craving is not reliably lower than in the first week."""
    middle = middle_day(record.course) if record.course else None
    if record.course is None or middle is None or middle > record.today:
        return
    first, recent = _weeks(record, record.course, middle)
    if min(len(first), len(recent)) < LEAST_CHECK_INS:
        return
    change = compare(first, recent)
    if change.first_week >= LEAST_ROOM and change.high >= 0.0:
        yield Evidence(
            day=middle,
            severity=Severity.ROUTINE,
            sentence=_describe(change, middle),
            basis=tuple(day for day, _ in first + recent),
            figures=change,
        )


def middle_day(course: Course) -> date | None:
    """The day of the session that makes half of those that stand; None when there was no week of course before."""
    if not course.standing or course.first_day is None:
        return None
    middle = course.standing[(len(course.standing) - 1) // 2].day
    return middle if course.days_until(middle) >= WEEK_DAYS else None


def _weeks(record: Record, course: Course, middle: date) -> tuple[Ratings, Ratings]:
    """Craving in the first week of check-ins and in the last up to the middle; nothing where they overlap."""
    earliest = (course.first_day or middle) - REACH
    ratings = [(day, rating) for day, rating in CRAVING.answers(record.readings) if earliest <= day <= middle]
    if not ratings:
        return [], []
    week = timedelta(days=WEEK_DAYS)
    first_ends, recent_begins = ratings[0][0] + week, middle - week
    if first_ends > recent_begins + timedelta(days=1):
        return [], []
    first = [(day, rating) for day, rating in ratings if day < first_ends]
    return first, [(day, rating) for day, rating in ratings if day > recent_begins]


def compare(first: Ratings, recent: Ratings) -> Change:
    """The difference of two weeks' means, with its interval for ratings that resemble their neighbours."""
    ordinals = np.array([day.toordinal() for day, _ in first + recent], np.float64)
    related = CORRELATION ** np.abs(ordinals[:, None] - ordinals[None, :])
    cut = len(first)
    early, late = (np.array([rating for _, rating in week]) for week in (first, recent))
    # Two weeks show an SD poorly, so the detector's prior for it stands beside them.
    freedom = PRIOR_WEIGHT + _freedom(related[:cut, :cut]) + _freedom(related[cut:, cut:])
    squares = PRIOR_WEIGHT * PRIOR_SD**2 + _squares(early) + _squares(late)
    weights = np.concatenate([np.full(cut, -1.0 / cut), np.full(len(recent), 1.0 / len(recent))])
    error = sqrt(squares / freedom * float(weights @ related @ weights))
    change = float(late.mean() - early.mean())
    reach = t_quantile((1.0 + CONFIDENCE) / 2.0, freedom) * error
    return Change(
        first_week=float(early.mean()),
        first_check_ins=len(first),
        observed=float(late.mean()),
        check_ins=len(recent),
        change=change,
        low=change - reach,
        high=change + reach,
    )


def _squares(ratings: Floats) -> float:
    """About their own mean."""
    return float(((ratings - ratings.mean()) ** 2).sum())


def _freedom(related: Floats) -> float:
    """The sum of squares about the mean of such ratings, expected at a variance of 1."""
    return len(related) - float(related.sum()) / len(related)


def t_quantile(probability: float, freedom: float) -> float:
    """Student's t, by its expansion about the normal (Abramowitz & Stegun 26.7.5): within 0.01 from 4 on."""
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / freedom + second / freedom**2 + third / freedom**3 + fourth / freedom**4


def _describe(change: Change, middle: date) -> str:
    return (
        f"Craving averaged {change.first_week:.1f} over {change.first_check_ins} check-ins in the first week and "
        f"{change.observed:.1f} over {change.check_ins} in the week to {name_day(middle, middle)}, the middle of the "
        f"course: a change of {_signed(change.change)} (90% interval {_signed(change.low)} to "
        f"{_signed(change.high)}), no reliable improvement."
    )


def _signed(points: float) -> str:
    rounded = round(points, 1) + 0.0  # no negative zero
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else ''}{abs(rounded):.1f}"
