"""What a rule says, with the sentence that the clinician reads and all it takes to check it."""

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from server.trends.thresholds import Thresholds


class Severity(StrEnum):
    """How soon someone should look, most pressing first."""

    URGENT = "urgent"
    PROMPT = "prompt"
    ROUTINE = "routine"

    def outranks(self, other: "Severity") -> bool:
        """True when this one is strictly more pressing. (`<` would compare the words as text.)"""
        order = list(Severity)
        return order.index(self) < order.index(other)


class Numbers(Protocol):
    """The numbers behind a sentence, unrounded; each rule has those that it needs."""

    def as_dict(self) -> dict[str, float | None]:
        """The numbers by name, ready for JSON."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of the rules about ratings, on the scale that the patient answered on."""

    observed: float  # the mean over the check-ins; for a single rating, that rating
    check_ins: int  # how many ratings it rests on
    days: int  # calendar days they span, first and last included
    expected: float | None = None  # the person's baseline when the change began
    expected_sd: float | None = None  # and its day-to-day SD
    limit: float | None = None  # the clinic's limit, for the rules that have one

    @property
    def missed(self) -> int:
        """Days of the span without a rating."""
        return self.days - self.check_ins

    def as_dict(self) -> dict[str, float | None]:
        """The figures by name, ready for JSON."""
        return asdict(self) | {"missed": self.missed}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rule's function returns: a finding before it is signed with the rule's name and version."""

    day: date
    severity: Severity
    sentence: str
    basis: tuple[date, ...]
    figures: Numbers


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, fired on one local day. The same record and thresholds: the same finding."""

    rule: str
    rule_version: int
    severity: Severity
    day: date  # the local day that it fired
    sentence: str
    basis: tuple[date, ...]  # the days it rests on, oldest first
    thresholds: Thresholds
    figures: Numbers | None = None  # none where the rule rests on an answer, not on ratings
