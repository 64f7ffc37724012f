"""What the engine is told of a day: the reading that counts for it."""

from dataclasses import dataclass
from datetime import date

HIGHEST = 10.0  # ratings run from 0 to this


@dataclass(frozen=True, slots=True)
class Reading:
    """The check-in that counts for one local day. None: the question was not answered."""

    day: date
    craving: float | None = None  # 0-10, higher is worse
    mood: float | None = None  # 0-10, higher is better
    used: str | None = None  # "yes", "no" or "rather_not_say"

    def __post_init__(self) -> None:
        """Raise ValueError for an instant in place of a day, or a rating that is not within 0-10."""
        require_day("a reading's day", self.day)
        for name, rating in (("craving", self.craving), ("mood", self.mood)):
            # NaN fails this comparison too, which is the point of writing it this way round.
            if rating is not None and not 0.0 <= rating <= HIGHEST:
                raise ValueError(f"{name} must be within 0-10, not {rating!r} ({self.day})")


def require_day(what: str, day: date) -> None:
    """Raise ValueError for an instant in place of a day."""
    # A datetime is a date to Python, but an instant belongs to a different local day in each zone.
    if type(day) is not date:
        raise ValueError(f"{what} must be a date, not {day!r}")
