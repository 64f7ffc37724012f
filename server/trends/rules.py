"""The table of rules. A new rule is one function and one line here; a changed one gets the next version."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from server.trends.cusum import REFRACTORY_DAYS
from server.trends.findings import Evidence
from server.trends.limits import craving_severe, mood_very_low
from server.trends.readings import Reading, Treatment
from server.trends.thresholds import Thresholds
from server.trends.worsening import craving_rising, mood_falling

# The readings come one a day, oldest first; what comes out is in that order too.
Find: TypeAlias = Callable[[Sequence[Reading], Treatment | None, Thresholds], Iterator[Evidence]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A name for the record, the version of what it does, and the function that does it."""

    name: str
    version: int
    find: Find
    # A late check-in may move the day on which the rule fires by up to this much; it is the same finding.
    refractory_days: int = 0


RULES = (
    Rule("craving_rising", 1, craving_rising, REFRACTORY_DAYS),
    Rule("craving_severe", 1, craving_severe),
    Rule("mood_falling", 1, mood_falling, REFRACTORY_DAYS),
    Rule("mood_very_low", 1, mood_very_low),
)
