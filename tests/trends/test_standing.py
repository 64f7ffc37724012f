"""The standing row: made a day at a time or at once, it is the same; and where no rule speaks, nobody need look."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.trends import Course, Reading, Record, Session, SessionState, Thresholds, assess_dated
from server.trends.caseload import ENDLESS, News, catch_up, days, enter_course
from server.trends.silence import HABIT_DAYS, unlikely_length
from server.trends.standing import nobody_yet, unlikely_lengths, unpacked
from tests.trends.standings import columns, stand

FIRST = date(2026, 3, 2)
LENGTH = 32


def on(day: int) -> date:
    return FIRST + timedelta(days=day)


ratings = st.none() | st.integers(0, 10).map(float)
answers = st.none() | st.tuples(ratings, ratings, st.sampled_from([None, "no", "no", "no", "yes", "rather_not_say"]))
states = st.sampled_from([SessionState.SCHEDULED, SessionState.ATTENDED, SessionState.MISSED, SessionState.CANCELLED])
courses = st.none() | st.lists(st.tuples(st.integers(0, LENGTH + 5), states), min_size=1, max_size=12).map(
    lambda sessions: Course(
        tuple(Session(number, on(day), state) for number, (day, state) in enumerate(sorted(sessions), start=1))
    )
)
some_days = st.frozensets(st.integers(0, LENGTH).map(on), max_size=8)
windows = st.tuples(st.none() | st.integers(-3, 10).map(on), st.none() | st.integers(15, LENGTH + 5).map(on))


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A diary of LENGTH days, of which the last may be the open one."""
    said = draw(st.lists(answers, min_size=LENGTH, max_size=LENGTH))
    monitored_from, monitored_until = draw(windows)
    return Record(
        readings=tuple(
            Reading(on(day), craving, mood, used)
            for day, (craving, mood, used) in ((day, answer) for day, answer in enumerate(said) if answer)
        ),
        today=on(LENGTH - 1 - draw(st.integers(0, 1))),
        course=draw(courses),
        monitored_from=monitored_from,
        monitored_until=monitored_until,
        paused=draw(some_days),
        outages=draw(some_days),
        cut_short=draw(some_days),
    )


versions = st.sampled_from([[(FIRST, Thresholds(h=2.0, silent_days=3))]]) | st.integers(1, LENGTH).map(
    lambda day: [
        (FIRST, Thresholds(h=2.5, use_free_days=3)),
        (on(day), Thresholds(2, h=1.5, craving_severe=8.0, mood_very_low=2.0, use_free_days=2, silent_chance=0.1)),
    ]
)


def until(record: Record, today: date) -> Record:
    """The record as it was on the evening of `today`."""
    return replace(record, today=today, readings=tuple(r for r in record.readings if r.day <= today))


def news_of(records: Sequence[Record], after: Sequence[int]) -> News:
    """What came after each record's first so many days."""
    last = [on(day - 1) for day in after]
    return News(
        after=np.array([day.toordinal() for day in last]),
        until=np.array([record.today.toordinal() for record in records]),
        monitored_from=np.array([r.monitored_from.toordinal() if r.monitored_from else 0 for r in records]),
        monitored_until=np.array([r.monitored_until.toordinal() if r.monitored_until else ENDLESS for r in records]),
        said=columns(
            (who, reading.day.toordinal(), reading.craving, reading.mood, reading.used)
            for who, record in enumerate(records)
            for reading in record.readings
            if reading.day > last[who]
        ),
        paused=days((who, day) for who, record in enumerate(records) for day in record.paused),
        unknown=days((who, day) for who, record in enumerate(records) for day in record.outages | record.cut_short),
    )


@settings(max_examples=30, deadline=None)
@given(given_records=st.lists(records(), min_size=1, max_size=4), limits=versions, data=st.data())
def test_days_that_come_later_lead_to_the_row_of_the_whole_diary(
    given_records: list[Record], limits: list[tuple[date, Thresholds]], data: st.DataObject
) -> None:
    cuts = [data.draw(st.integers(11, LENGTH - 2)) for _ in given_records]
    thresholds = limits[-1][1]
    early = [until(record, on(cut - 1)) for record, cut in zip(given_records, cuts, strict=True)]
    rows = stand(early, thresholds)
    later, _, _ = catch_up(rows, news_of(given_records, cuts), thresholds)
    whole = stand(given_records, thresholds)
    for who, record in enumerate(given_records):
        enter_course(later, who, record.course, record.today)
    assert later.packed() == whole.packed() == unpacked(whole.packed()).packed()


@settings(max_examples=40, deadline=None)
@given(record=records(), limits=versions)
def test_where_a_rule_speaks_somebody_looks(record: Record, limits: list[tuple[date, Thresholds]]) -> None:
    """Day by day: whatever the rules did not find yesterday, the row has seen coming, and of an open day as well.

    From the first day of the newest limits on, and with rows made under them.
    """
    thresholds = limits[-1][1]
    start = max(11, (limits[-1][0] - FIRST).days)
    rows = stand([until(record, on(start - 1))], thresholds)
    known = set(assess_dated(until(record, on(start - 1)), limits))
    for day in range(start, (record.today - FIRST).days + 1):
        enter_course(rows, 0, record.course, on(day - 1))
        so_far = until(record, on(day))
        rows, look, _ = catch_up(rows, news_of([so_far], [day]), thresholds)
        found = set(assess_dated(so_far, limits))
        assert look[0] or found <= known, found - known
        known |= found
    if start > (record.today - FIRST).days + 1:
        return
    _, _, look_open = catch_up(rows, news_of([record], [(record.today - FIRST).days + 1]), thresholds)
    assert look_open[0] or set(assess_dated(record, limits)) <= known


def test_a_calm_caseload_needs_no_look() -> None:
    """The other direction: the row must not cry at every step, or nothing would be won."""
    readings = tuple(Reading(on(day), 3.0 + day % 2, 6.0, "no") for day in range(LENGTH))
    record = Record(readings, today=on(LENGTH - 1), monitored_from=FIRST)
    rows = stand([until(record, on(0))] * 3, Thresholds())
    _, look, look_open = catch_up(rows, news_of([record] * 3, [1, 1, 1]), Thresholds())
    assert not look.any()
    assert not look_open.any()


@pytest.mark.parametrize("silent_days", [1, 3, 5, 20])
@pytest.mark.parametrize("chance", [0.001, 0.01, 0.1])
def test_the_length_that_a_habit_makes_unlikely_is_the_rules_own(silent_days: int, chance: float) -> None:
    thresholds = Thresholds(silent_days=silent_days, silent_chance=chance)
    rng = np.random.default_rng(7)
    habits = [list(rng.random(rng.integers(0, HABIT_DAYS + 1)) < rng.random()) for _ in range(200)]
    bits = np.array([sum(int(was) << back for back, was in enumerate(reversed(habit))) for habit in habits])
    lengths = unlikely_lengths(bits, np.array([len(habit) for habit in habits]), thresholds)
    assert lengths.tolist() == [unlikely_length(habit, thresholds) for habit in habits]


def test_no_patients_are_no_rows() -> None:
    assert stand([], Thresholds()).packed() == nobody_yet(0).packed() == b""
