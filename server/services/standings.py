"""Where the patients of a batch stand: read, brought up to date, and written back, in one statement each."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

import numpy as np
from sqlalchemy import (
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    select,
    true,
    update,
)

from server.extensions import Instant, ask, ask_one, table_of
from server.models import CheckIn, Clinic, Watch
from server.services.courses import courses_of
from server.services.due import Due
from server.services.limits import thresholds_by_day
from server.services.listed import as_table, given
from server.services.outages import outage_days
from server.services.own_days import cut_short, own_days
from server.services.packed import NO_DAY, Records, dates, day, number, ordinals, whole
from server.services.pauses import paused_days
from server.trends import Thresholds
from server.trends.caseload import News, Said, catch_up, days, enter_course
from server.trends.standing import ROW, USED, VERSION, Standings, nobody_yet, unpacked
from server.trends.state import Bools


@dataclass(slots=True)
class Batch:
    """Where they stand at a moment; lists and arrays by patient."""

    clinic: Clinic
    versions: Sequence[tuple[date, Thresholds]]  # of its limits, as thresholds_by_day has them
    due: Due
    closed: list[date]  # the last local day that is over
    closes_at: list[datetime]  # when the day after it will be
    rows: Standings  # where each stands after it
    close: Bools  # who needs a closer look: a rule may have something to say, or nothing was known
    will_do: Bools  # whether the row may be kept


def look_over(clinic: Clinic, due: Due, now: datetime) -> Batch:
    """Brings the standing of each of these patients to the last day that is over.

    Whose diary changed behind the standing, or who has none, is read from the first day on and always needs a closer
    look. Nothing is written.
    """
    closed, closes_at = _own_days(clinic, due, now)
    versions = thresholds_by_day(clinic)
    begins, thresholds = _newest(versions)
    # Days of before these limits are judged by others, on the diary.
    known = due.stands & (due.through + 1 >= begins.toordinal())
    rows = nobody_yet(len(due.ids))
    rows.put(known, unpacked(due.standings[known].tobytes()))
    _enter_courses(rows, due, closed, known)
    news = _news(clinic, due, closed, known)
    rows, look, look_open = catch_up(rows, news, thresholds)
    return Batch(clinic, versions, due, closed, closes_at, rows, ~known | look | look_open, np.ones_like(known))


def _own_days(clinic: Clinic, due: Due, now: datetime) -> tuple[list[date], list[datetime]]:
    """Of each patient the last day that is over, and when the day after it will be."""
    clocks = list(zip(due.zones, due.closed_elsewhere, strict=True))
    # Most share one with many others.
    told = {clock: own_days(*clock, clinic.day_starts_at, now) for clock in set(clocks)}
    # A clock that was ahead may have closed more: that stays closed.
    through = dates(due.through)
    closed = [max(told[clock].over, already) for clock, already in zip(clocks, through, strict=True)]
    return closed, [told[clock].closes_at for clock in clocks]


def _newest(versions: Sequence[tuple[date, Thresholds]]) -> tuple[date, Thresholds]:
    """The limits in force, and the first local day that they judge."""
    first, thresholds = versions[-1]
    return first if len(versions) > 1 else date.min, thresholds


_WATCH, _CHECK_IN = table_of(Watch), table_of(CheckIn)
_KEPT = as_table(id=Uuid, through=Date, due_at=DateTime(timezone=True), numbered="place")
_SIZE = ROW.itemsize
_WRITE = (
    update(_WATCH)
    .where(_WATCH.c.patient_id == _KEPT.c.id)
    .values(
        through=_KEPT.c.through,
        due_at=_KEPT.c.due_at,
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


def write_back(batch: Batch, these: Bools, now: datetime) -> None:
    """Keeps the standings of some of them, and puts the next look of each at the end of the local day."""
    who = np.flatnonzero(these)
    if not len(who):
        return
    due, places = batch.due, who.tolist()
    kept = given(
        id=due.ids.of(places),
        through=[batch.closed[one] if batch.will_do[one] else None for one in places],
        due_at=[batch.closes_at[one] if due.active[one] else None for one in places],
    )
    ask(_WRITE, {**kept, "rows": batch.rows.of(who).packed(), "now": now})


def _enter_courses(rows: Standings, due: Due, closed: Sequence[date], known: Bools) -> None:
    new = np.flatnonzero(~known).tolist()
    courses = courses_of([due.ids[who] for who in new]) if new else {}
    for who in new:
        enter_course(rows, who, courses.get(due.ids[who]), closed[who])


def _news(clinic: Clinic, due: Due, closed: Sequence[date], known: Bools) -> News:
    """What came after the day that each standing holds; for whoever has none, all that there is."""
    held = np.where(known, due.through, NO_DAY.toordinal())
    until = np.array([one.toordinal() for one in closed], np.int64)
    monitored = due.monitored_from > 0
    said = _said(due.ids, dates(held))
    first = np.where(monitored, np.minimum(due.monitored_from, until), until)
    np.minimum.at(first, said.who, said.day)
    # Before monitoring began nothing was awaited, so nothing is asked of times before.
    cut = _cut_short(due, dates(np.maximum(held, np.where(monitored, due.monitored_from, until))), closed)
    # What is replayed came through no service, so none was down.
    down = _down(due.ids, dates(np.maximum(held, due.monitored_from))) if clinic.live else ()
    return News(
        after=np.where(known, held, first - 1),
        until=until,
        monitored_from=due.monitored_from,
        monitored_until=due.monitored_until,
        said=said,
        paused=days(paused_days(due.ids, closed)),
        unknown=days(chain(cut, down)),
    )


_SINCE = as_table(id=Uuid, since=Date, numbered="who")
_NEWER = (
    select(_CHECK_IN.c.day, _CHECK_IN.c.craving, _CHECK_IN.c.mood, _CHECK_IN.c.used)
    .where(_CHECK_IN.c.patient_id == _SINCE.c.id, _CHECK_IN.c.day > _SINCE.c.since, _CHECK_IN.c.counts)
    # A fence: a look-up in the index for each patient, whatever the planner believes of the length of diaries.
    .offset(0)
    .lateral("newer")
)
_SAID = Records(
    who=whole(_SINCE.c.who),
    day=day(_NEWER.c.day, NO_DAY),
    craving=number(_NEWER.c.craving),
    mood=number(_NEWER.c.mood),
    used=whole(case(USED, value=_NEWER.c.used, else_=0)),
)
_SAYING = select(_SAID.value).join_from(_SINCE, _NEWER, true())


def _said(ids: Sequence[uuid.UUID], since: Sequence[date]) -> Said:
    """The check-ins that count of the days after `since`."""
    found = _SAID.read(*ask_one(_SAYING, given(id=ids, since=since)))
    who, used = (found[name].astype(np.int64) for name in ("who", "used"))
    craving, mood = (found[name].astype(np.float64) for name in ("craving", "mood"))
    return Said(who - 1, ordinals(found["day"]), craving, mood, used)


def _down(ids: Sequence[uuid.UUID], since: Sequence[date]) -> Iterator[tuple[int, date]]:
    """The days on which our own service was down."""
    for who, unknown in enumerate(outage_days(ids, since)):
        for one in unknown:
            yield who, one


def _cut_short(due: Due, first: Sequence[date], last: Sequence[date]) -> Iterator[tuple[int, date]]:
    """The days that travel cut short, and those that the zone itself skips."""
    asked = list(zip(due.zones, due.cut_by_travel, first, last, strict=True))
    # Most share an answer with many others.
    told = {alike: list(cut_short(*alike)) for alike in set(asked)}
    for who, alike in enumerate(asked):
        for one in told[alike]:
            yield who, one
