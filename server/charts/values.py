"""What a picture is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

SessionState: TypeAlias = Literal["attended", "missed", "scheduled"]
Severity: TypeAlias = Literal["urgent", "prompt", "routine"]


@dataclass(frozen=True, slots=True)
class Rated:
    """One item on one day, in points 0-10: what was reported, and what was expected before."""

    rating: float | None = None
    expected: float | None = None
    expected_sd: float | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One local day, with or without ratings."""

    day: date
    craving: Rated = Rated()
    mood: Rated = Rated()


@dataclass(frozen=True, slots=True)
class Session:
    """One TMS session."""

    day: date
    state: SessionState


@dataclass(frozen=True, slots=True)
class Alert:
    """`about`: the panel that it belongs to; None for what is about neither item."""

    day: date
    severity: Severity
    about: Literal["craving", "mood"] | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """`title` may be any text; `days` are consecutive, oldest first, at least one."""

    title: str
    days: Sequence[Day]
    sessions: Sequence[Session] = ()
    alerts: Sequence[Alert] = ()

    def __post_init__(self) -> None:
        """Raise ValueError without a day."""
        if not self.days:
            raise ValueError("a chart needs at least one day")

    def place(self, day: date) -> int:
        """Where a day is drawn: 0 for the first."""
        return (day - self.days[0].day).days
