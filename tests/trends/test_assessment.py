"""assess: a pure function of the set of readings, that refuses what it cannot read."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.trends import RULES, Reading, Severity, Thresholds, Treatment, assess

MAY_1 = date(2025, 5, 1)
JUNE_1 = date(2025, 6, 1)
NAN, INFINITE = float("nan"), float("inf")

ratings = st.none() | st.integers(0, 10).map(float) | st.floats(0, 10)
histories = st.dictionaries(st.integers(0, 60), st.tuples(ratings, ratings), max_size=30).map(
    lambda days: [Reading(MAY_1 + timedelta(days=day), *rated) for day, rated in sorted(days.items())]
)


@settings(deadline=None, max_examples=60)
@given(st.data(), histories, st.none() | st.just(Treatment(MAY_1, JUNE_1)))
def test_the_order_of_readings_does_not_matter(
    draw: st.DataObject, history: list[Reading], treatment: Treatment | None
) -> None:
    shuffled = draw.draw(st.permutations(history))
    found = assess(shuffled, treatment, Thresholds(h=2.0))
    assert found == assess(history, treatment, Thresholds(h=2.0))
    assert list(found) == sorted(found, key=lambda finding: (finding.day, finding.rule))


@settings(deadline=None, max_examples=60)
@given(histories)
def test_what_is_found_rests_on_readings_that_were_given(history: list[Reading]) -> None:
    days = {reading.day for reading in history}
    for finding in assess(history, None, Thresholds(h=2.0)):
        assert finding.basis == tuple(sorted(finding.basis))
        assert set(finding.basis) <= days
        assert finding.basis[-1] == finding.day


def test_the_table_of_rules() -> None:
    names = [rule.name for rule in RULES]
    assert names == ["craving_rising", "craving_severe", "mood_falling", "mood_very_low"]
    assert all(rule.version == 1 and rule.find.__name__ == rule.name for rule in RULES)


def test_severities_have_an_order() -> None:
    urgent, prompt, routine = Severity
    assert urgent.outranks(prompt)
    assert prompt.outranks(routine)
    assert not routine.outranks(urgent)
    assert not prompt.outranks(prompt)
    assert [str(severity) for severity in Severity] == ["urgent", "prompt", "routine"]


def test_thresholds_as_stored() -> None:
    assert Thresholds(version=3).as_dict() == {
        "version": 3,
        "h": 4.0,
        "craving_severe": 9.0,
        "mood_very_low": 1.0,
    }


def test_two_readings_of_one_day_are_refused() -> None:
    with pytest.raises(ValueError, match="two readings for 2025-05-01"):
        assess([Reading(MAY_1, 3), Reading(JUNE_1, 3), Reading(MAY_1, 3)], None, Thresholds())


@pytest.mark.parametrize("rating", [-0.1, 10.1, 11, NAN, INFINITE, -INFINITE])
def test_a_rating_outside_0_to_10_is_refused(rating: float) -> None:
    with pytest.raises(ValueError, match="craving must be within 0-10"):
        Reading(MAY_1, craving=rating)
    with pytest.raises(ValueError, match="mood must be within 0-10"):
        Reading(MAY_1, mood=rating)


def test_an_instant_is_not_a_day() -> None:
    noon = datetime(2025, 5, 1, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="a reading's day must be a date"):
        Reading(noon, craving=3)
    with pytest.raises(ValueError, match="first day of treatment must be a date"):
        Treatment(noon, JUNE_1)


def test_treatment_runs_forwards() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Treatment(JUNE_1, MAY_1)
    treatment = Treatment(MAY_1, date(2025, 5, 20))
    days = (date(2025, 4, 1), date(2025, 4, 30), MAY_1, date(2025, 5, 20), JUNE_1)
    assert [treatment.days_until(day) for day in days] == [0, 0, 1, 20, 20]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"h": 0.0}, "h must be above 0"),
        ({"h": NAN}, "h must be above 0"),
        ({"h": INFINITE}, "h must be above 0"),
        ({"craving_severe": 10.5}, "craving_severe must be within 0-10"),
        ({"mood_very_low": -1.0}, "mood_very_low must be within 0-10"),
        ({"mood_very_low": NAN}, "mood_very_low must be within 0-10"),
    ],
)
def test_limits_that_judge_nothing_are_refused(limits: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Thresholds(version=1, **limits)
