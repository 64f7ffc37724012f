"""What the engine is told: one reading for a local day, and the days of the treatment."""

from dataclasses import dataclass
from datetime import date

HIGHEST = 10.0  # ratings run from 0 to this


@dataclass(frozen=True, slots=True)
class Reading:
    """The check-in that counts for one local day. None: the question was not answered."""

    day: date
    craving: float | None = None  # 0-10, higher is worse
    mood: float | None = None  # 0-10, higher is better
    used: str | None = None  # read by no rule of this version

    def __post_init__(self) -> None:
        """Raise ValueError for an instant in place of a day, or a rating that is not within 0-10."""
        _require_day("a reading's day", self.day)
        for name, rating in (("craving", self.craving), ("mood", self.mood)):
            # NaN fails this comparison too, which is the point of writing it this way round.
            if rating is not None and not 0.0 <= rating <= HIGHEST:
                raise ValueError(f"{name} must be within 0-10, not {rating!r} ({self.day})")


@dataclass(frozen=True, slots=True)
class Treatment:
    """The course, from its first to its last planned session day, both included."""

    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        """Raise ValueError when the course ends before it starts."""
        _require_day("the first day of treatment", self.first_day)
        _require_day("the last day of treatment", self.last_day)
        if self.last_day < self.first_day:
            raise ValueError(f"treatment ends on {self.last_day}, before it starts on {self.first_day}")

    def days_until(self, day: date) -> int:
        """Days of treatment up to and including `day`: 0 before it, standing still once it is over."""
        return max(0, (min(day, self.last_day) - self.first_day).days + 1)


def _require_day(what: str, day: date) -> None:
    # A datetime is a date to Python, but an instant belongs to a different local day in each zone.
    if type(day) is not date:
        raise ValueError(f"{what} must be a date, not {day!r}")
