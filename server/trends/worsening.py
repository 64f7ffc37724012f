"""craving_rising and mood_falling: the detector, run over one item's history, of one record or of many at once."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TypeAlias

import numpy as np

from server.trends.course import CourseDays
from server.trends.cusum import advance
from server.trends.findings import Evidence, Figures, Severity
from server.trends.items import CRAVING, MOOD, Item
from server.trends.record import Record
from server.trends.sentences import describe_change
from server.trends.state import Floats, Ints, Signal, start
from server.trends.thresholds import Thresholds

Answered: TypeAlias = list[tuple[date, float]]


def craving_rising(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """Craving is higher than this person's own recent level leads one to expect."""
    return _worsening(CRAVING, record, thresholds)


def mood_falling(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """Mood is lower than this person's own recent level leads one to expect."""
    return _worsening(MOOD, record, thresholds)


def cravings_rising(records: Sequence[Record], thresholds: Thresholds) -> list[list[Evidence]]:
    """`craving_rising` of each record."""
    return _worsenings(CRAVING, records, thresholds)


def moods_falling(records: Sequence[Record], thresholds: Thresholds) -> list[list[Evidence]]:
    """`mood_falling` of each record."""
    return _worsenings(MOOD, records, thresholds)


def _worsening(item: Item, record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    state = start()
    answered: list[date] = []
    for day, rating in item.answers(record.readings):
        answered.append(day)
        treatment_day = record.course.days_until(day) if record.course else 0
        state, signal = advance(state, day.toordinal(), item.turn(rating), treatment_day, thresholds.h)
        if signal.fired:
            yield _explain(item, answered, signal)


def _worsenings(item: Item, records: Sequence[Record], thresholds: Thresholds) -> list[list[Evidence]]:
    """Everybody's first answers are one step of the detector, then the second ones, whatever their days."""
    answered = [list(item.answers(record.readings)) for record in records]
    courses = CourseDays.of([record.course for record in records])
    found: list[list[Evidence]] = [[] for _ in records]
    state = start((len(records),))
    for turn, (day, rating) in enumerate(zip(*_turns(answered), strict=True), start=1):
        state, signal = advance(state, day, item.turn(rating), courses.until(day), thresholds.h)
        for who in np.flatnonzero(signal.fired).tolist():
            days = [answer for answer, _ in answered[who][:turn]]
            found[who].append(_explain(item, days, Signal(*(column[who] for column in signal))))
    return found


def _turns(answered: Sequence[Answered]) -> tuple[Ints, Floats]:
    """The days and ratings of everybody's n-th answers, shape (most answers, records).

    Who has fewer says nothing (NaN) on the days after the last: it does not matter what becomes of them.
    """
    turns = max(map(len, answered), default=0)
    day, rating = np.empty((turns, len(answered)), np.int64), np.full((turns, len(answered)), np.nan)
    for who, answers in enumerate(answered):
        said, last = len(answers), answers[-1][0].toordinal() if answers else 0
        day[:said, who] = [answer.toordinal() for answer, _ in answers]
        day[said:, who] = last + np.arange(1, turns - said + 1)
        rating[:said, who] = [rated for _, rated in answers]
    return day, rating


def _explain(item: Item, answered: list[date], signal: Signal) -> Evidence:
    """Put the run behind a finding back on the scale that the patient answered on, and into words."""
    today, run = answered[-1], int(signal.run)
    figures = Figures(
        observed=item.turn(float(signal.total) / run),
        check_ins=run,
        days=today.toordinal() - int(signal.since) + 1,
        expected=item.turn(float(signal.expected)),
        expected_sd=float(signal.spread),
    )
    return Evidence(
        day=today,
        severity=Severity.PROMPT,
        sentence=describe_change(item.label, figures, today),
        basis=tuple(answered[-run:]),
        figures=figures,
    )
