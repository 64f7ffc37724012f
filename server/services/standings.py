"""Where the patients of a batch stand: brought up to date from what was read of them, and written in one statement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import NamedTuple

import numpy as np
from sqlalchemy import Integer, LargeBinary, bindparam, cast, func, literal_column, update

from server.extensions import Instant, table_of, tell
from server.models import Clinic, Watch
from server.services.courses import courses_of
from server.services.due import CTID, XMIN, Due
from server.services.limits import thresholds_by_day
from server.services.listed import as_table, given
from server.services.outages import outage_days
from server.services.own_days import cut_short, own_days
from server.services.packed import DAY, INSTANT, NEVER, NO_DAY, PLACE, WRITER, dates, sent_days, sent_instant
from server.services.pauses import paused_days
from server.trends import Thresholds
from server.trends.caseload import News, catch_up, days, enter_course
from server.trends.standing import ROW, VERSION, Standings, nobody_yet, unpacked
from server.trends.state import Bools, Ints


class Limits(NamedTuple):
    """Of a clinic: every version, as thresholds_by_day has them, and the one in force with the first day it judges."""

    versions: Sequence[tuple[date, Thresholds]]
    begins: date
    thresholds: Thresholds


@dataclass(slots=True)
class Batch:
    """Where they stand at a moment; arrays by patient, days as ordinals, instants as PostgreSQL counts them."""

    clinic: Clinic
    limits: Limits
    due: Due
    closed: Ints  # the last local day that is over
    closes_at: Ints  # when the day after it will be
    rows: Standings  # where each stands after it
    close: Bools  # who needs a closer look: a rule may have something to say, or nothing was known
    will_do: Bools  # whether the row may be kept


def limits_of(clinic: Clinic) -> Limits:
    """As they are now: to be asked once the patients are held, or were read."""
    versions = thresholds_by_day(clinic)
    first, thresholds = versions[-1]
    return Limits(versions, first if len(versions) > 1 else date.min, thresholds)


def look_over(clinic: Clinic, limits: Limits, due: Due, now: datetime) -> Batch:
    """Brings the standing of each of these patients to the last day that is over.

    Whose diary changed behind the standing, or who has none, is looked at from the first day on and always needs a
    closer look. Nothing is written.
    """
    closed, closes_at = _own_days(clinic, due, now)
    # Days of before these limits are judged by others, on the diary.
    known = due.stands & (due.through + 1 >= limits.begins.toordinal())
    rows = nobody_yet(len(due.ids))
    rows.put(known, unpacked(due.standings[known].tobytes()))
    _enter_courses(rows, due, closed, known)
    rows, look, look_open = catch_up(rows, _news(clinic, due, closed, known), limits.thresholds)
    return Batch(clinic, limits, due, closed, closes_at, rows, ~known | look | look_open, np.ones_like(known))


def _own_days(clinic: Clinic, due: Due, now: datetime) -> tuple[Ints, Ints]:
    """Of each patient the last day that is over, and when the day after it will be."""
    told = [own_days(one.zone, one.closed_elsewhere, clinic.day_starts_at, now) for one in due.clocks]
    over = np.array([one.over.toordinal() for one in told], np.int64)
    closes_at = np.array([sent_instant(one.closes_at) for one in told], np.int64)
    # A clock that was ahead may have closed more: that stays closed.
    return np.maximum(over[due.clock], due.through), closes_at[due.clock]


_WATCH = table_of(Watch)
_KEPT = as_table(lies=PLACE, written_by=WRITER, through=DAY, due_at=INSTANT, numbered="place")
_SIZE = ROW.itemsize
_WRITE = (
    update(_WATCH)
    # The row that was read, or none. By who wrote it, too: another may lie there by now; and of a row that somebody is
    # writing PostgreSQL takes what comes of it, and releases of before November 2025 do not ask again where that lies.
    .where(_KEPT.c.lies == CTID, _KEPT.c.written_by == XMIN)
    .values(
        through=func.nullif(_KEPT.c.through, NO_DAY),
        due_at=func.nullif(_KEPT.c.due_at, literal_column("'infinity'::timestamptz")),
        looked_at=bindparam("now", type_=Instant),
        queued_at=None,
        failures=0,
        error=None,
        version=VERSION,
        # One value for all of them: a driver would look at each.
        standing=func.substr(
            bindparam("rows", type_=LargeBinary), cast((_KEPT.c.place - 1) * _SIZE + 1, Integer), _SIZE
        ),
    )
)


def differing(clinic: Clinic, limits: Limits, due: Due) -> Bools:
    """Of whom the standing is not the one that the diary makes up to the same day. `due`: with the diaries whole."""
    stand = due.stands & (due.through + 1 >= limits.begins.toordinal())
    if not stand.any():
        return stand
    # Of the others whatever comes of it is not looked at; but no day of theirs is to be far off.
    until = np.where(stand, due.through, due.through[stand].max())
    nobody = np.zeros_like(stand)
    rows = nobody_yet(len(due.ids))
    _enter_courses(rows, due, until, nobody)
    rows, _, _ = catch_up(rows, _news(clinic, due, until, nobody), limits.thresholds)
    made, kept = (np.frombuffer(one, np.uint8).reshape(-1, _SIZE) for one in (rows.packed(), due.standings.tobytes()))
    differ: Bools = (made != kept).any(axis=1)
    return stand & differ


def write_back(batch: Batch, these: Bools, now: datetime) -> int:
    """Keeps the standings of some of them, and puts the next look of each at the end of the local day.

    Of whom the Watch is not the one that was read any more, nothing is written. Returns of how many it was.
    """
    who = np.flatnonzero(these)
    if not len(who):
        return 0
    through = np.where(batch.will_do, batch.closed, NO_DAY.toordinal())[who]
    due_at = np.where(batch.due.active, batch.closes_at, NEVER)[who]
    kept = given(
        lies=batch.due.lies[who],
        written_by=batch.due.written_by[who],
        through=sent_days(through),
        due_at=due_at.astype(INSTANT),
    )
    return tell(_WRITE, {**kept, "rows": batch.rows.of(who).packed(), "now": now})


def _enter_courses(rows: Standings, due: Due, closed: Ints, known: Bools) -> None:
    new = due.ids.of(~known)
    courses = courses_of(new) if len(new) else {}
    for who, one in zip(np.flatnonzero(~known).tolist(), new, strict=True):
        enter_course(rows, who, courses.get(one), date.fromordinal(int(closed[who])))


def _news(clinic: Clinic, due: Due, closed: Ints, known: Bools) -> News:
    """What came after the day that each standing holds; for whoever has none, all that there is."""
    held = np.where(known, due.through, NO_DAY.toordinal())
    monitored = due.monitored_from > 0
    first = np.where(monitored, np.minimum(due.monitored_from, closed), closed)
    np.minimum.at(first, due.said.who, due.said.day)
    # Before monitoring began nothing was awaited, so nothing is asked of times before.
    cut = _cut_short(due, np.maximum(held, np.where(monitored, due.monitored_from, closed)), closed)
    # What is replayed came through no service, so none was down.
    down = outage_days(due.ids, dates(np.maximum(held, due.monitored_from))) if clinic.live else ()
    return News(
        after=np.where(known, held, first - 1),
        until=closed,
        monitored_from=due.monitored_from,
        monitored_until=due.monitored_until,
        said=due.said,
        paused=days(paused_days(due.ids, dates(closed))),
        unknown=days(chain(cut, down)),
    )


def _cut_short(due: Due, first: Ints, last: Ints) -> Iterator[tuple[int, date]]:
    """The days that travel cut short, and those that the zone itself skips."""
    # Most share an answer with many others. The three as one number: no ordinal has more than 22 bits.
    asked, whose = np.unique(due.clock << 44 | first << 22 | last, return_inverse=True)
    for which, alike in enumerate(asked.tolist()):
        zone, _, by_travel = due.clocks[alike >> 44]
        begin, end = (date.fromordinal(alike >> shift & (1 << 22) - 1) for shift in (22, 0))
        told = list(cut_short(zone, by_travel, begin, end))
        for who in np.flatnonzero(whose == which).tolist() if told else ():
            yield from ((who, one) for one in told)
