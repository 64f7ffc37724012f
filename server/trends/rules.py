"""The table of rules. A new rule is one function and one line here; a changed one gets the next version."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from server.trends.cusum import REFRACTORY_DAYS
from server.trends.findings import Evidence
from server.trends.limits import craving_severe, mood_very_low
from server.trends.progress import off_track
from server.trends.record import Record
from server.trends.sessions import session_missed
from server.trends.silence import gone_silent
from server.trends.thresholds import Thresholds
from server.trends.use import use_reported
from server.trends.worsening import craving_rising, cravings_rising, mood_falling, moods_falling

# A rule is a pure function of the record and the thresholds; what comes out is oldest first.
Find: TypeAlias = Callable[[Record, Thresholds], Iterator[Evidence]]
FindEach: TypeAlias = Callable[[Sequence[Record], Thresholds], list[list[Evidence]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A name for the record, the version of what it does, and the function that does it."""

    name: str
    version: int
    find: Find
    # A late check-in, or a session that is moved, may move the day on which the rule fires by up to this much;
    # it is the same finding.
    refractory_days: int = 0
    # The same of many records, where it costs less to run them together.
    at_once: FindEach | None = None

    def find_each(self, records: Sequence[Record], thresholds: Thresholds) -> list[list[Evidence]]:
        """What `find` finds in each of these records."""
        if self.at_once:
            return self.at_once(records, thresholds)
        return [list(self.find(record, thresholds)) for record in records]


RULES = (
    Rule("craving_rising", 1, craving_rising, REFRACTORY_DAYS, cravings_rising),
    Rule("craving_severe", 1, craving_severe),
    # Two silences are further apart than this: each has three days at least, and a check-in lies between.
    Rule("gone_silent", 1, gone_silent, refractory_days=3),
    Rule("mood_falling", 1, mood_falling, REFRACTORY_DAYS, moods_falling),
    Rule("mood_very_low", 1, mood_very_low),
    # Once a course: moving or cancelling sessions moves its middle, and the next course's is further off.
    Rule("off_track", 1, off_track, refractory_days=28),
    Rule("session_missed", 1, session_missed),
    Rule("use_reported", 1, use_reported),
)
