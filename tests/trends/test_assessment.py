"""assess: a pure function of the set of readings, that refuses what it cannot read."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.trends import RULES, Course, Reading, Record, Severity, Thresholds, assess, assess_dated, assess_each
from tests.trends.histories import judge, lasting, marked

MAY_1 = date(2025, 5, 1)
JUNE_1 = date(2025, 6, 1)
NAN, INFINITE = float("nan"), float("inf")

ratings = st.none() | st.integers(0, 10).map(float) | st.floats(0, 10)
histories = st.dictionaries(st.integers(0, 60), st.tuples(ratings, ratings), max_size=30).map(
    lambda days: [Reading(MAY_1 + timedelta(days=day), *rated) for day, rated in sorted(days.items())]
)


@settings(deadline=None, max_examples=60)
@given(st.data(), histories, st.none() | st.just(lasting(MAY_1, JUNE_1)))
def test_the_order_of_readings_does_not_matter(
    draw: st.DataObject, history: list[Reading], treatment: Course | None
) -> None:
    shuffled = draw.draw(st.permutations(history))
    found = judge(shuffled, treatment, Thresholds(h=2.0))
    assert found == judge(history, treatment, Thresholds(h=2.0))
    assert list(found) == sorted(found, key=lambda finding: (finding.day, finding.rule))


@settings(deadline=None, max_examples=60)
@given(histories)
def test_what_is_found_rests_on_readings_that_were_given(history: list[Reading]) -> None:
    days = {reading.day for reading in history}
    for finding in judge(history, thresholds=Thresholds(h=2.0)):
        assert finding.basis == tuple(sorted(finding.basis))
        assert set(finding.basis) <= days
        assert finding.basis[-1] == finding.day


courses = st.none() | st.text("amc. ", min_size=1, max_size=60).map(lambda marks: marked(marks, MAY_1))
answered = st.tuples(ratings, ratings, st.sampled_from([None, "yes", "no", "rather_not_say"]))
records = st.builds(
    lambda days, course, paused, outages: Record(
        tuple(Reading(MAY_1 + timedelta(days=day), *said) for day, said in days.items()),
        today=MAY_1 + timedelta(days=60),
        course=course,
        monitored_from=MAY_1,
        paused=frozenset(MAY_1 + timedelta(days=first + day) for first, length in paused for day in range(length)),
        outages=frozenset(MAY_1 + timedelta(days=day) for day in outages),
    ),
    st.dictionaries(st.integers(0, 60), answered, max_size=60),
    courses,
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=2),
    st.sets(st.integers(0, 60), max_size=5),
)
SOON = Thresholds(h=2.0, use_free_days=2)


@settings(deadline=None, max_examples=100)
@given(records, st.integers(0, 60))
def test_what_is_found_up_to_a_day_does_not_depend_on_what_comes_after(record: Record, after: int) -> None:
    day = MAY_1 + timedelta(days=after)
    then = replace(
        record,
        today=day,
        readings=tuple(reading for reading in record.readings if reading.day <= day),
        paused=frozenset(paused for paused in record.paused if paused <= day),
        outages=frozenset(outage for outage in record.outages if outage <= day),
    )
    # A session may be recorded a day ahead of the last day that is over.
    found = [finding for finding in assess(record, SOON) if finding.day <= day]
    assert [finding for finding in assess(then, SOON) if finding.day <= day] == found
    assert all(finding.basis[-1] <= finding.day for finding in found)


def test_each_day_is_judged_by_the_limits_in_force_on_it() -> None:
    record = Record(tuple(Reading(MAY_1 + timedelta(days=day), craving=8) for day in range(4)), today=JUNE_1)
    strict = Thresholds(version=2, craving_severe=8)
    versions = [(MAY_1, Thresholds()), (date(2025, 5, 3), strict)]
    found = assess_dated(record, versions)
    assert [(finding.day.day, finding.thresholds.version) for finding in found] == [(3, 2), (4, 2)]
    # Before the first version the first one holds; of two of one day, the last does.
    assert len(assess_dated(record, [(JUNE_1, strict)])) == 4
    assert assess_dated(record, [(MAY_1, strict), (MAY_1, Thresholds(version=3))]) == ()


limits = st.builds(
    Thresholds,
    h=st.sampled_from([1.5, 2.0, 4.0]),
    craving_severe=st.sampled_from([7.0, 9.0]),
    use_free_days=st.integers(1, 3),
    silent_days=st.integers(3, 5),
)
versions = st.lists(st.tuples(st.integers(-10, 90), limits), min_size=1, max_size=4).map(
    lambda made: [(MAY_1 + timedelta(days=day), one) for day, one in sorted(made, key=itemgetter(0))]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(records, max_size=4), versions)
def test_many_records_at_once_are_each_judged_as_if_alone(
    given_records: list[Record], limits: list[tuple[date, Thresholds]]
) -> None:
    found = assess_each(given_records, limits)
    assert found == [assess_dated(record, limits) for record in given_records]
    # To the last bit, and of the same types: this is stored.
    assert repr(found) == repr([assess_dated(record, limits) for record in given_records])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(records, st.integers(-400, 400)), min_size=1, max_size=4), versions)
def test_diaries_of_different_times_may_be_judged_together(
    moved: list[tuple[Record, int]], limits: list[tuple[date, Thresholds]]
) -> None:
    """Which of the limits were in force on any of a record's days is another matter for each."""
    given_records = [_later(record, timedelta(days=days)) for record, days in moved]
    assert assess_each(given_records, limits) == [assess_dated(record, limits) for record in given_records]


def _later(record: Record, by: timedelta) -> Record:
    return replace(
        record,
        readings=tuple(replace(reading, day=reading.day + by) for reading in record.readings),
        today=record.today + by,
        course=record.course
        and Course(tuple(replace(session, day=session.day + by) for session in record.course.sessions)),
        monitored_from=record.monitored_from and record.monitored_from + by,
    )


def test_the_table_of_rules() -> None:
    names = [rule.name for rule in RULES]
    assert names == [
        *("craving_rising", "craving_severe", "gone_silent", "mood_falling", "mood_very_low"),
        *("off_track", "session_missed", "use_reported"),
    ]
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
        "use_free_days": 7,
        "silent_days": 3,
        "silent_chance": 0.01,
    }


def test_two_readings_of_one_day_are_refused() -> None:
    with pytest.raises(ValueError, match="two readings for 2025-05-01"):
        judge([Reading(MAY_1, 3), Reading(JUNE_1, 3), Reading(MAY_1, 3)])


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
    with pytest.raises(ValueError, match="a session's day must be a date"):
        lasting(noon, JUNE_1)
    with pytest.raises(ValueError, match="today must be a date"):
        Record((), today=noon)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"h": 0.0}, "h must be above 0"),
        ({"h": NAN}, "h must be above 0"),
        ({"h": INFINITE}, "h must be above 0"),
        ({"craving_severe": 10.5}, "craving_severe must be within 0-10"),
        ({"mood_very_low": -1.0}, "mood_very_low must be within 0-10"),
        ({"mood_very_low": NAN}, "mood_very_low must be within 0-10"),
        ({"use_free_days": 0}, "use_free_days must be 1 or more"),
        ({"silent_days": 0}, "silent_days must be 1 or more"),
        ({"silent_chance": 0.0}, "silent_chance must be between 0 and 1"),
        ({"silent_chance": 1.0}, "silent_chance must be between 0 and 1"),
        ({"silent_chance": NAN}, "silent_chance must be between 0 and 1"),
    ],
)
def test_limits_that_judge_nothing_are_refused(limits: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Thresholds(version=1, **limits)
