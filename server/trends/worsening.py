"""craving_rising and mood_falling: the detector, run over one item's history."""

from collections.abc import Iterator
from datetime import date

from server.trends.cusum import advance
from server.trends.findings import Evidence, Figures, Severity
from server.trends.items import CRAVING, MOOD, Item
from server.trends.record import Record
from server.trends.sentences import describe_change
from server.trends.state import Signal, start
from server.trends.thresholds import Thresholds


def craving_rising(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """Craving is higher than this person's own recent level leads one to expect."""
    return _worsening(CRAVING, record, thresholds)


def mood_falling(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """Mood is lower than this person's own recent level leads one to expect."""
    return _worsening(MOOD, record, thresholds)


def _worsening(item: Item, record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    state = start()
    answered: list[date] = []
    for day, rating in item.answers(record.readings):
        answered.append(day)
        treatment_day = record.course.days_until(day) if record.course else 0
        state, signal = advance(state, day.toordinal(), item.turn(rating), treatment_day, thresholds.h)
        if signal.fired:
            yield _explain(item, answered, signal)


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
