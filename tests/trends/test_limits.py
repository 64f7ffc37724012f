"""craving_severe and mood_very_low: one rating is enough, and a second day in a row is urgent."""

from datetime import date, timedelta

import pytest

from server.trends import Figures, Reading, Severity, Thresholds
from tests.trends.histories import judge

MAY_1 = date(2025, 5, 1)
PROMPT, URGENT = Severity.PROMPT, Severity.URGENT

# name, daily craving from 1 May (None: missed), the limit, what fires: (day of May, severity)
DAYS: list[tuple[str, list[float | None], float, list[tuple[int, Severity]]]] = [
    ("below", [8, 8.5, 0], 9, []),
    ("at the limit", [3, 9, 3], 9, [(2, PROMPT)]),
    ("past the limit", [3, 10, 3], 9, [(2, PROMPT)]),
    ("two days in a row", [3, 9, 10], 9, [(2, PROMPT), (3, URGENT)]),
    ("three days in a row", [9, 9, 9], 9, [(1, PROMPT), (2, URGENT), (3, URGENT)]),
    ("a better day between", [9, 8, 9], 9, [(1, PROMPT), (3, PROMPT)]),
    ("a missed day between", [9, None, 9], 9, [(1, PROMPT), (3, PROMPT)]),
    ("twice two days", [9, 9, 1, 9, 9], 9, [(1, PROMPT), (2, URGENT), (4, PROMPT), (5, URGENT)]),
    ("a clinic's own limit", [7, 7.5, 8], 7.5, [(2, PROMPT), (3, URGENT)]),
    ("nothing answered", [None, None], 9, []),
]
each_row = pytest.mark.parametrize(
    ("craving", "limit", "fires"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS]
)


def days_from_may_1(ratings: list[float | None]) -> list[tuple[date, float | None]]:
    return [(MAY_1 + timedelta(days=index), rating) for index, rating in enumerate(ratings)]


@each_row
def test_craving_severe(craving: list[float | None], limit: float, fires: list[tuple[int, Severity]]) -> None:
    readings = [Reading(day, craving=rating) for day, rating in days_from_may_1(craving)]
    found = judge(readings, thresholds=Thresholds(craving_severe=limit))
    expected = [("craving_severe", day, severity) for day, severity in fires]
    assert [(f.rule, f.day.day, f.severity) for f in found if f.rule != "craving_rising"] == expected


@each_row
def test_mood_very_low_is_its_mirror_image(
    craving: list[float | None], limit: float, fires: list[tuple[int, Severity]]
) -> None:
    readings = [Reading(day, mood=None if rating is None else 10 - rating) for day, rating in days_from_may_1(craving)]
    found = judge(readings, thresholds=Thresholds(mood_very_low=10 - limit))
    expected = [("mood_very_low", day, severity) for day, severity in fires]
    assert [(f.rule, f.day.day, f.severity) for f in found if f.rule != "mood_falling"] == expected


def test_the_other_item_answered_does_not_stand_in_for_a_missed_one() -> None:
    readings = [
        Reading(MAY_1, craving=9),
        Reading(date(2025, 5, 2), mood=5),
        Reading(date(2025, 5, 3), craving=9),
    ]
    assert [f.severity for f in judge(readings)] == [PROMPT, PROMPT]


def test_a_run_rests_on_every_day_of_it() -> None:
    readings = [Reading(date(2025, 5, day), craving=10) for day in (1, 3, 4, 5)]
    last = judge(readings)[-1]
    assert last.basis == (date(2025, 5, 3), date(2025, 5, 4), date(2025, 5, 5))
    assert isinstance(last.figures, Figures)
    assert (last.figures.observed, last.figures.limit, last.figures.expected) == (10.0, 9.0, None)


def test_a_limit_of_tenths_is_met_exactly() -> None:
    # 10 - 0.9 and 10 - 9.1 are not round in binary: at the limit is at the limit all the same.
    readings = [Reading(MAY_1, craving=9.1, mood=0.9)]
    found = judge(readings, thresholds=Thresholds(craving_severe=9.1, mood_very_low=0.9))
    assert [f.rule for f in found] == ["craving_severe", "mood_very_low"]
