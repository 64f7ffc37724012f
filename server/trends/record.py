"""What a rule is judged on: all that is known of one patient, as one frozen value."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from server.trends.course import Course
from server.trends.readings import Reading, require_day

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Record:
    """One patient's record. The order in which the readings are given does not matter.

    `today` is the last local day that is over. The readings may go on to the day that is open, on which a rating
    can say something and silence cannot yet.
    """

    readings: tuple[Reading, ...]
    today: date
    course: Course | None = None
    monitored_from: date | None = None  # None: not monitored, and so never silent
    monitored_until: date | None = None  # the last day of it; None: no end is set
    paused: frozenset[date] = frozenset()  # days of a pause, its first and last included: silence means nothing
    outages: frozenset[date] = frozenset()  # days on which our service was down: unknown, not silent
    cut_short: frozenset[date] = frozenset()  # days that travel took from the patient, or most of them: unknown, too

    def __post_init__(self) -> None:
        """Raise ValueError for two readings of one day (which of them counts is the caller's to say)."""
        require_day("today", self.today)
        in_time = tuple(sorted(self.readings, key=lambda reading: reading.day))
        for earlier, later in pairwise(in_time):
            if earlier.day == later.day:
                raise ValueError(f"two readings for {later.day}")
        object.__setattr__(self, "readings", in_time)

    def monitored_days(self) -> Iterator[date]:
        """The days of monitoring that are over, oldest first, those of a pause or an outage too."""
        if self.monitored_from is None:
            return
        day, last = self.monitored_from, min(self.today, self.monitored_until or self.today)
        while day <= last:
            yield day
            day += DAY
