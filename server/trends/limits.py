"""craving_severe and mood_very_low: one rating at or past the clinic's limit is enough."""

from collections.abc import Iterator
from datetime import date, timedelta

from server.trends.findings import Evidence, Figures, Severity
from server.trends.items import CRAVING, MOOD, Item
from server.trends.record import Record
from server.trends.sentences import describe_limit
from server.trends.thresholds import Thresholds


def craving_severe(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """Each day with craving at or above the limit; urgent when the day before was too."""
    limit = thresholds.craving_severe
    return _past_limit(CRAVING, limit, f"limit {limit:g}", record)


def mood_very_low(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """Each day with mood at or below the limit; urgent when the day before was too."""
    limit = thresholds.mood_very_low
    return _past_limit(MOOD, limit, f"at or below the limit {limit:g}", record)


def _past_limit(item: Item, limit: float, wording: str, record: Record) -> Iterator[Evidence]:
    run: list[tuple[date, float]] = []  # the days in a row past the limit, up to now
    for day, rating in item.answers(record.readings):
        if item.turn(rating) < item.turn(limit):
            run = []
            continue
        # A day without an answer is unknown, so it ends the run: "in a row" is never guessed.
        follows = bool(run) and day - run[-1][0] == timedelta(days=1)
        run = [*run, (day, rating)] if follows else [(day, rating)]
        yield Evidence(
            day=day,
            severity=Severity.URGENT if follows else Severity.PROMPT,
            sentence=describe_limit(item.label, wording, run),
            basis=tuple(earlier for earlier, _ in run),
            figures=Figures(observed=rating, check_ins=1, days=1, limit=limit),
        )
