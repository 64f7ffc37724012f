"""craving_rising and mood_falling, on histories that a person can follow."""

from datetime import date, timedelta

import pytest

from server.trends import Course, Figures, Finding, Reading, Severity, Thresholds
from tests.trends.histories import judge, lasting

MAY_1 = date(2025, 5, 1)
TREATED = lasting(MAY_1, date(2025, 6, 11))
STEADY: list[float | None] = [3, 4, 3, 2, 3, 4, 3, 2, 3, 4, 3, 2, 3, 4]  # 1-14 May
WORSE: list[float | None] = [7, 8, 7, 8, 7, 8, 7]
SENSITIVE = Thresholds(version=2, h=3.0)

# name, daily craving from 1 May (None: missed), treatment, thresholds, days of May on which it fires
HISTORIES: list[tuple[str, list[float | None], Course | None, Thresholds, list[int]]] = [
    ("no reading at all", [], None, Thresholds(), []),
    ("one reading", [9], None, Thresholds(), []),
    ("steady", [*STEADY, *STEADY], None, Thresholds(), []),
    ("steady in treatment", [*STEADY, *STEADY], TREATED, Thresholds(), []),
    ("always the same, then one point up once", [*[3] * 14, 4, *[3] * 7], None, Thresholds(), []),
    ("better", [*STEADY, 1, 0, 1, 0, 1, 0, 1], None, Thresholds(), []),
    ("one bad day alone", [*STEADY, 10, 3, 2, 3, 4], None, Thresholds(), []),
    ("a week of clearly worse days", [*STEADY, *WORSE], None, Thresholds(), [16]),
    ("the same, in treatment", [*STEADY, *WORSE], TREATED, Thresholds(), [16]),
    ("worse with gaps", [*STEADY, None, 7, None, None, 8, 7], None, Thresholds(), [19]),
    ("two points worse", [*STEADY, 5, 6, 5, 5, 6, 5], None, Thresholds(), [17]),
    ("two points worse, in the sensitive mode", [*STEADY, 5, 6, 5, 5, 6, 5], None, SENSITIVE, [16]),
    ("too early to know", [2, 3, 2, 8, 8], None, Thresholds(), []),
    ("bad from the first day", [8, 9, 8, 9, 8, 8, 9, 8, 9, 8], None, Thresholds(), []),
    ("five readings are enough", [3, 2, 3, 2, 3, 8, 9, 8, 9], None, Thresholds(), [7]),
    (
        "again after more than a week",
        [*STEADY, 6, 6, 6, 6, 6, 6, 6, 6, 6, 10, 10, 10],
        None,
        Thresholds(),
        [16, 24],
    ),
    ("held back for a week", [*STEADY, 6, 6, 9, 9, 10, 10, 10, 10, 10, 10], None, Thresholds(), [16, 24]),
]


each_history = pytest.mark.parametrize(
    ("craving", "treatment", "thresholds", "fires"),
    [row[1:] for row in HISTORIES],
    ids=[row[0] for row in HISTORIES],
)


def fired(rule: str, readings: list[Reading], treatment: Course | None, thresholds: Thresholds) -> list[Finding]:
    return [finding for finding in judge(readings, treatment, thresholds) if finding.rule == rule]


def by_day(ratings: list[float | None]) -> list[tuple[date, float | None]]:
    return [(MAY_1 + timedelta(days=index), rating) for index, rating in enumerate(ratings)]


@each_history
def test_craving_rising(
    craving: list[float | None], treatment: Course | None, thresholds: Thresholds, fires: list[int]
) -> None:
    readings = [Reading(day, craving=rating) for day, rating in by_day(craving)]
    found = fired("craving_rising", readings, treatment, thresholds)
    expected = [(date(2025, 5, day), Severity.PROMPT) for day in fires]
    assert [(finding.day, finding.severity) for finding in found] == expected


@each_history
def test_mood_falling_is_its_mirror_image(
    craving: list[float | None], treatment: Course | None, thresholds: Thresholds, fires: list[int]
) -> None:
    readings = [Reading(day, mood=None if rating is None else 10 - rating) for day, rating in by_day(craving)]
    found = fired("mood_falling", readings, treatment, thresholds)
    expected = [(date(2025, 5, day), Severity.PROMPT) for day in fires]
    assert [(finding.day, finding.severity) for finding in found] == expected


def test_a_finding_carries_all_it_takes_to_check_it() -> None:
    readings = [Reading(day, mood=rating) for day, rating in by_day([*STEADY, None, 0, 0])]
    (finding,) = fired("mood_falling", readings, TREATED, SENSITIVE)
    assert (finding.rule_version, finding.thresholds) == (1, SENSITIVE)
    assert finding.basis == (date(2025, 5, 16), date(2025, 5, 17))
    figures = finding.figures
    assert isinstance(figures, Figures)
    assert (figures.observed, figures.check_ins, figures.days, figures.missed) == (0.0, 2, 2, 0)
    assert figures.expected == pytest.approx(3.2, abs=0.1)
    assert figures.expected_sd == pytest.approx(1.0, abs=0.1)
    assert figures.as_dict()["missed"] == 0


def test_someone_who_never_varies_is_allowed_half_a_point() -> None:
    readings = [Reading(day, craving=rating) for day, rating in by_day([*[3] * 90, 4, 4, 4, 4, 4])]
    (finding,) = fired("craving_rising", readings, None, Thresholds())
    assert isinstance(finding.figures, Figures)
    assert (finding.figures.expected, finding.figures.expected_sd) == (3.0, 0.5)


def test_ratings_after_a_finding_do_not_change_it() -> None:
    readings = [Reading(day, craving=rating) for day, rating in by_day([*STEADY, *WORSE])]
    then = fired("craving_rising", readings[:16], TREATED, Thresholds())
    assert len(then) == 1
    assert fired("craving_rising", readings, TREATED, Thresholds()) == then


SERIES: list[tuple[list[float | None], list[float | None]]] = [
    ([*[3, 4, 3, 2] * 3, 3, 4], [7, 8, 7, 8, 7, 8, 7]),
    ([3, 4] * 7, [7, 8, 7, 8, 7, 8, 7]),
    ([2, 3, 2, 3, 2, 4, 3] * 2, [7, 7, 8, 7, 8, 8, 7]),
    ([*[4, 5, 4, 3] * 3, 4, 5], [8, 8, 7, 8, 8, 7, 8]),
]


@pytest.mark.parametrize(("steady", "worse"), SERIES)
@pytest.mark.parametrize("treatment", [None, TREATED, lasting(date(2025, 5, 8), date(2025, 6, 18))])
def test_two_steady_weeks_and_a_worse_one_end_in_exactly_one_finding(
    steady: list[float | None], worse: list[float | None], treatment: Course | None
) -> None:
    readings = [Reading(day, craving=rating) for day, rating in by_day([*steady, *worse])]
    (finding,) = judge(readings, treatment, Thresholds())
    assert finding.rule == "craving_rising"
    assert date(2025, 5, 15) < finding.day <= date(2025, 5, 17)
