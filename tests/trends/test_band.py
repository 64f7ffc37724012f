"""The expected band is what the engine expected: no more, no less, and known before the day's rating."""

import re
from datetime import date, timedelta

import pytest

from server.trends import Course, Reading
from server.trends.band import Expected, expected_band
from server.trends.findings import Figures
from server.trends.items import CRAVING, MOOD, Item
from server.trends.sentences import name_day
from tests.trends.histories import judge, lasting

MAY_1 = date(2025, 5, 1)
TREATED = lasting(MAY_1, date(2025, 6, 11))
STEADY: list[float | None] = [3, 4, 3, 2, 3, 4, 3, 2, 3, 4, 3, 2, 3, 4]  # 1-14 May
WORSE: list[float | None] = [7, 8, 7, 8, 7, 8, 7]


def may(day: int) -> date:
    return MAY_1 + timedelta(days=day - 1)


def readings_of(ratings: list[float | None], item: Item = CRAVING) -> list[Reading]:
    turned = [None if rating is None else item.turn(rating) for rating in ratings]
    if item is MOOD:
        return [Reading(may(day), mood=rating) for day, rating in enumerate(turned, start=1)]
    return [Reading(may(day), craving=rating) for day, rating in enumerate(turned, start=1)]


# name, daily craving from 1 May (None: missed), treatment, what is expected from 1 May on (mean, SD)
Known = tuple[float | None, float | None]
UNKNOWN: Known = (None, None)
HISTORIES: list[tuple[str, list[float | None], Course | None, list[Known]]] = [
    ("no rating at all", [], None, [UNKNOWN] * 8),
    ("five ratings are a warm-up", [3.0] * 5, None, [UNKNOWN] * 5 + [(3.0, 1.09)] * 3),
    ("missed days are none of the five", [3, None, 3, 3, None, 3, 3], None, [UNKNOWN] * 7 + [(3.0, 1.09)]),
    ("one rating does not move its own day", [3, 3, 3, 3, 3, 8], None, [UNKNOWN] * 5 + [(3.0, 1.09), (3.60, 1.37)]),
    ("treatment is expected to help", [3.0] * 5, TREATED, [UNKNOWN] * 5 + [(2.94, 1.09), (2.92, 1.09), (2.90, 1.09)]),
    ("no lower than the floor", [0.0] * 5, TREATED, [UNKNOWN] * 5 + [(0.0, 1.09)] * 3),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ratings", "treatment", "expected"), [row[1:] for row in HISTORIES], ids=[row[0] for row in HISTORIES]
)
@pytest.mark.parametrize("item", [CRAVING, MOOD], ids=["craving", "mood"])
def test_the_band(
    item: Item,
    ratings: list[float | None],
    treatment: Course | None,
    expected: list[Known],
) -> None:
    band = expected_band(item, readings_of(ratings, item), treatment, MAY_1, may(len(expected)))
    assert [found.day for found in band] == [may(day) for day in range(1, len(expected) + 1)]
    for found, (mean, sd) in zip(band, expected, strict=True):
        assert found.mean == (None if mean is None else pytest.approx(item.turn(mean), abs=0.006)), found
        assert found.sd == (None if sd is None else pytest.approx(sd, abs=0.006)), found


@pytest.mark.parametrize("treatment", [None, TREATED, lasting(may(9), may(40))], ids=["none", "all", "later"])
@pytest.mark.parametrize("gap", [[], [None], [None] * 6], ids=["no gap", "a day", "six days"])
@pytest.mark.parametrize("item", [CRAVING, MOOD], ids=["craving", "mood"])
def test_a_findings_sentence_quotes_the_band_where_the_change_began(
    item: Item, gap: list[float | None], treatment: Course | None
) -> None:
    readings = readings_of([*STEADY, *gap, *WORSE], item)
    finding = next(found for found in judge(readings, treatment) if found.rule in ("craving_rising", "mood_falling"))
    assert isinstance(finding.figures, Figures)
    began = finding.day - timedelta(days=finding.figures.days - 1)
    assert f"since {name_day(began, finding.day)};" in finding.sentence
    (there,) = expected_band(item, readings, treatment, began, began)
    assert there == Expected(began, finding.figures.expected, finding.figures.expected_sd)
    said = re.search(r"expected (\S+) ± (\S+);", finding.sentence)
    assert said is not None
    assert said.groups() == (f"{there.mean:.1f}", f"{there.sd:.1f}")


def test_a_window_is_cut_out_of_the_whole() -> None:
    readings = readings_of([*STEADY, None, None, *WORSE])
    whole = expected_band(CRAVING, readings, TREATED, MAY_1, may(30))
    for first, last in ((1, 30), (6, 6), (15, 17), (10, 29), (24, 30)):
        assert expected_band(CRAVING, readings, TREATED, may(first), may(last)) == whole[first - 1 : last]


def test_what_comes_later_changes_nothing() -> None:
    known = expected_band(CRAVING, readings_of(STEADY), None, MAY_1, may(15))
    assert expected_band(CRAVING, readings_of([*STEADY, *WORSE]), None, MAY_1, may(15)) == known


def test_a_window_before_everything_expects_nothing() -> None:
    band = expected_band(CRAVING, readings_of(STEADY), None, may(-9), may(0))
    assert {(found.mean, found.sd) for found in band} == {UNKNOWN}
    assert len(band) == 10
