"""The limits that a clinic may set."""

from dataclasses import asdict, dataclass

from server.trends.readings import HIGHEST


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One version of a clinic's limits; each finding carries the one that it was judged by."""

    version: int = 1
    # The CUSUM's decision limit, in SDs: about 0.13 false alarms per patient-month; 3.0 is a sensitive mode.
    h: float = 4.0
    craving_severe: float = 9.0  # craving at or above this
    mood_very_low: float = 1.0  # mood at or below this
    use_free_days: int = 7  # days reported without use, before use is news
    silent_days: int = 3  # the shortest silence that says anything
    silent_chance: float = 0.01  # a silence that the person's own habit makes no likelier than this is one

    def __post_init__(self) -> None:
        """Raise ValueError for a limit that no rating could be judged by (NaN included)."""
        if not 0.0 < self.h < float("inf"):
            raise ValueError(f"h must be above 0, not {self.h!r}")
        for name, limit in (("craving_severe", self.craving_severe), ("mood_very_low", self.mood_very_low)):
            if not 0.0 <= limit <= HIGHEST:
                raise ValueError(f"{name} must be within 0-10, not {limit!r}")
        for name, days in (("use_free_days", self.use_free_days), ("silent_days", self.silent_days)):
            if days < 1:
                raise ValueError(f"{name} must be 1 or more, not {days!r}")
        if not 0.0 < self.silent_chance < 1.0:
            raise ValueError(f"silent_chance must be between 0 and 1, not {self.silent_chance!r}")

    def as_dict(self) -> dict[str, float]:
        """The limits by name, ready for JSON."""
        return asdict(self)
