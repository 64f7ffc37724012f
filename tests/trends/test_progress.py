"""off_track: in the middle of the course, against the person's own first week."""

from datetime import date, timedelta

import numpy as np
import pytest

from server.trends import Finding, Reading, Record, Severity, Thresholds, assess
from server.trends.progress import compare, t_quantile
from tests.trends.histories import marked

MONDAY = date(2025, 4, 28)
COURSE = marked(".....  " * 6, MONDAY + timedelta(days=7))  # 30 sessions from 5 May; the 15th is on 23 May
MIDDLE = date(2025, 5, 23)
WEEK: list[float | None] = [5, 6, 5, 4, 5, 6, 5]
BETWEEN: list[float | None] = [5, 4, 5, 4] * 3  # 5 to 16 May: the week up to the middle begins on the 17th

# name, daily craving from 28 April (None: missed), does it fire on the 15th session's day
HISTORIES: list[tuple[str, list[float | None], bool]] = [
    ("no change", [*WEEK, *BETWEEN, *WEEK], True),
    ("worse", [*WEEK, *BETWEEN, 7, 8, 7, 7, 8, 7, 8], True),
    ("a little better is not reliably better", [*WEEK, *BETWEEN, 5, 5, 4, 5, 4, 5, 5], True),
    ("much better", [*WEEK, *BETWEEN, 2, 1, 2, 3, 2, 1, 2], False),
    ("much better, but all over the place", [5, 9, 1, 8, 2, 9, 4, *BETWEEN, 0, 8, 0, 9, 1, 2, 0], True),
    ("too little in the first week", [5, None, None, None, None, 5, 6, *BETWEEN, *WEEK], False),
    ("too little at the middle", [*WEEK, *BETWEEN, 5, None, None, None, None, 5, 6], False),
    ("four in each are enough", [5, None, None, 5, None, 6, 5, *BETWEEN, 5, None, 6, None, 5, 6, None], True),
    ("there was never much to improve", [1, 2, 1, 2, 1, 1, 2, *BETWEEN, 1, 2, 1, 1, 2, 1, 2], False),
    ("the weeks overlap", [*[None] * 14, *WEEK, *WEEK], False),
    ("nothing was said", [], False),
]


def off_track(craving: list[float | None], **said: object) -> list[Finding]:
    days = [(MONDAY + timedelta(days=index), rating) for index, rating in enumerate(craving)]
    readings = tuple(Reading(day, craving=rating) for day, rating in days if rating is not None)
    record = Record(readings, **{"today": MIDDLE, "course": COURSE, **said})  # type: ignore[arg-type]
    return [finding for finding in assess(record, Thresholds()) if finding.rule == "off_track"]


@pytest.mark.parametrize(("craving", "fires"), [row[1:] for row in HISTORIES], ids=[row[0] for row in HISTORIES])
def test_off_track(craving: list[float | None], fires: bool) -> None:
    expected = [(MIDDLE, Severity.ROUTINE)] if fires else []
    assert [(finding.day, finding.severity) for finding in off_track(craving)] == expected


@pytest.mark.parametrize(
    ("said", "fires"),
    [
        ({"today": MIDDLE - timedelta(days=1)}, 0),
        ({"today": MIDDLE + timedelta(days=90)}, 1),
        ({"course": None}, 0),
        ({"course": marked("c" * 30, MONDAY)}, 0),
        ({"course": marked("." * 10, MIDDLE - timedelta(days=5))}, 0),  # its middle comes within a week
        ({"course": marked("." * 30, MONDAY + timedelta(days=60)), "today": MIDDLE + timedelta(days=90)}, 0),
    ],
)
def test_once_in_the_middle_of_a_course_that_lasts(said: dict[str, object], fires: int) -> None:
    assert len(off_track([*WEEK, *BETWEEN, *WEEK], **said)) == fires


def test_what_it_says_and_rests_on() -> None:
    (finding,) = off_track([*WEEK, *BETWEEN, 4, 5, None, 4, 5, 4, 5])
    assert finding.sentence == (
        "Craving averaged 5.1 over 7 check-ins in the first week and 4.5 over 6 in the week to 23 May, the middle of "
        "the course: a change of −0.6 (90% interval −1.9 to +0.6), no reliable improvement."
    )
    assert len(finding.basis) == 13
    assert (finding.basis[0], finding.basis[-1]) == (MONDAY, MIDDLE)
    assert finding.figures is not None
    assert finding.figures.as_dict()["first_check_ins"] == 7


@pytest.mark.parametrize(("freedom", "quantile"), [(5, 2.015), (8, 1.860), (10, 1.812), (16, 1.746), (30, 1.697)])
def test_students_t_as_in_the_tables(freedom: float, quantile: float) -> None:
    assert t_quantile(0.95, freedom) == pytest.approx(quantile, abs=0.001)


@pytest.mark.parametrize(("correlation", "low", "high"), [(0.0, 0.92, 0.99), (0.25, 0.88, 0.96)])
def test_the_interval_holds_the_true_change(correlation: float, low: float, high: float) -> None:
    """Weeks of whole-number ratings, SD 1.3, a quarter of them missed, a true change of two points."""
    rng = np.random.default_rng(20250523)
    held = []
    for _ in range(400):
        noise = rng.normal(0, 1.3, 40)
        for day in range(1, 40):
            noise[day] = correlation * noise[day - 1] + np.sqrt(1 - correlation**2) * noise[day]
        ratings = np.round(6 - 2 * (np.arange(40) >= 20) + noise)
        kept = rng.random(40) > 0.25
        weeks = [
            [(MONDAY + timedelta(days=day), float(ratings[day])) for day in days if kept[day]]
            for days in (range(7), range(25, 32))
        ]
        change = compare(*weeks)
        held.append(change.low <= -2 <= change.high)
    assert low <= np.mean(held) <= high
