"""use_reported: use, after a stretch of days that were reported without."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date

from server.trends.findings import Evidence, Severity
from server.trends.record import Record
from server.trends.sentences import count, name_day
from server.trends.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Abstinence:
    """The days without use that this use ended, as far as they were reported."""

    free_days: int  # reported without use since the last use, or since the first check-in
    days: int  # calendar days from the first of them to the use

    def as_dict(self) -> dict[str, float | None]:
        """The numbers by name, ready for JSON."""
        return asdict(self)


def use_reported(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """Each day with use after enough days reported without.

    A day that was not answered, or with "rather not say", is neither: it is not counted as abstinent and does not
    end the stretch.
    """
    free: list[date] = []  # the days reported without use since the last use
    for reading in record.readings:
        if reading.used == "no":
            free.append(reading.day)
        elif reading.used == "yes":
            if len(free) >= thresholds.use_free_days:
                yield _explain(reading.day, free, thresholds)
            free = []


def _explain(day: date, free: list[date], thresholds: Thresholds) -> Evidence:
    figures = Abstinence(free_days=len(free), days=(day - free[0]).days + 1)
    return Evidence(
        day=day,
        severity=Severity.PROMPT,
        sentence=(
            f"Use was reported on {name_day(day, day)}, after {count(len(free), 'day')} reported without "
            f"since {name_day(free[0], day)}."
        ),
        # The fewest days that would have been enough, not the months that there may be.
        basis=(*free[-thresholds.use_free_days :], day),
        figures=figures,
    )
