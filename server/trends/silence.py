"""gone_silent: no check-in for longer than this person's own habit makes likely.

People who answer daily questions miss them in bursts: in 56 real diaries of 100 days a day was missed after one
check-in in 15, but after a missed day more than one in three. So the habit is two rates, learnt from the person's
own days: how often a gap begins after a check-in, and how often it goes on another day. A gap is surprising from the
day on which its chance, given those days, is at most `silent_chance`.

The rates are unknown, so each is averaged over a beta distribution (the chance of n more days is then a product, the
beta-binomial's; Gelman et al., Bayesian Data Analysis, 3rd ed., 2.4). The prior is worth a few days and stands for
a check-in on 69% of days, as dependent persons answer in studies like this (69.8%: Jones et al. 2019, Addiction
114, 609-619). At 1% this raised 0.05 alarms a month in those diaries about gaps that ended by themselves, and 0.13 to
0.25 in simulated ones with 5 to 60% of days missed in runs of 2.5; with one rate for all days it would have been 0.6.

A day on which our own service was down is unknown: without a check-in it is left out, and the silence goes on after it.
So is one that the patient lost by travelling east.
A pause is more: nobody expected the patient, so a silence ends where a pause begins, and what follows the pause is
counted anew. Two silent days, a week's pause and two silent days are not four in a row. Days of a pause enter no habit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise

from server.trends.findings import Evidence, Severity
from server.trends.record import DAY, Record
from server.trends.sentences import count, name_day
from server.trends.thresholds import Thresholds

HABIT_DAYS = 30  # how far back a habit is read: people change
MOST_DAYS = 14  # two weeks without a word are worth a look, whatever the habit
CLEARLY_LONGER = 2  # times the length that was already unlikely
BEGINS = (1.0, 3.5)  # beta prior: a gap begins after a check-in, or does not
GOES_ON = (3.0, 3.0)  # beta prior: a gap goes on for another day, or ends


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence, and the habit that it departs from."""

    silent_days: int
    limit_days: int  # the length that this habit makes unlikely
    answered: int  # days with a check-in
    awaited: int  # of so many days before the silence

    def as_dict(self) -> dict[str, float | None]:
        """The numbers by name, ready for JSON."""
        return asdict(self)


def gone_silent(record: Record, thresholds: Thresholds) -> Iterator[Evidence]:
    """A silence once it is unlikely (routine), and again when it is clearly longer than that (prompt)."""
    answered = {reading.day for reading in record.readings}
    habit: list[bool] = []  # was there a check-in, on each awaited day before the silence
    since: date | None = None  # the last check-in, or the last day of a pause after it
    heard = False  # has there been any check-in yet
    silent: list[date] = []
    limit = 0
    for day in record.monitored_days():
        heard = heard or day in answered
        if day in record.paused or day in answered:
            habit += [False] * len(silent)
            if day not in record.paused:
                habit.append(True)
            since, silent = day, []
        elif day not in record.outages | record.cut_short:
            if not silent:
                habit = habit[-HABIT_DAYS:]
                limit = unlikely_length(habit, thresholds)
            silent.append(day)
            if len(silent) in (limit, CLEARLY_LONGER * limit):
                figures = Silence(len(silent), limit, answered=sum(habit), awaited=len(habit))
                yield _explain(figures, silent, since, record, heard=heard)


def unlikely_length(habit: Sequence[bool], thresholds: Thresholds) -> int:
    """The fewest silent days that this habit makes no likelier than `silent_chance`, within sensible bounds."""
    steps = list(pairwise(habit))
    after_check_in = [later for earlier, later in steps if earlier]
    in_gap = [later for earlier, later in steps if not earlier]
    chance = (BEGINS[0] + after_check_in.count(False)) / (sum(BEGINS) + len(after_check_in))
    goes_on, days = GOES_ON[0] + in_gap.count(False), sum(GOES_ON) + len(in_gap)
    length = 1
    while length < thresholds.silent_days or (length < MOST_DAYS and chance > thresholds.silent_chance):
        chance *= (goes_on + length - 1) / (days + length - 1)
        length += 1
    return length


def _explain(figures: Silence, silent: list[date], since: date | None, record: Record, *, heard: bool) -> Evidence:
    day = silent[-1]
    first = record.monitored_from or silent[0]
    left_out = _left_out(record, max(first, since + DAY) if since else first, day)
    if since is None:
        start = f"since monitoring began on {name_day(first, day)}"
    else:
        start = f"since {'the pause ended on ' if since in record.paused else ''}{name_day(since, day)}"
    habit = _describe_habit(figures, heard=heard)
    return Evidence(
        day=day,
        severity=Severity.ROUTINE if len(silent) == figures.limit_days else Severity.PROMPT,
        sentence=f"No check-in for {count(len(silent), 'day')}{left_out}, {start}; {habit}.",
        basis=tuple(silent),
        figures=figures,
    )


def _left_out(record: Record, first: date, last: date) -> str:
    down = sum(first <= day <= last for day in record.outages)
    lost = sum(first <= day <= last for day in record.cut_short - record.outages)
    told = [f"{count(down, 'day')} of our own outage"] if down else []
    told += [f"{count(lost, 'day')} lost to travel"] if lost else []
    return f" ({' and '.join(told)} left out)" if told else ""


def _describe_habit(figures: Silence, *, heard: bool) -> str:
    if not heard:
        return "this patient has not checked in yet"
    if not figures.awaited:  # heard of in a pause alone
        return "no habit of this patient's is known yet"
    return f"this patient checked in on {figures.answered} of {count(figures.awaited, 'day')} before"
