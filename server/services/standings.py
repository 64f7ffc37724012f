"""Where the patients of a batch stand: read, brought up to date, and written back, in one statement each."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
from sqlalchemy import (
    Date,
    DateTime,
    LargeBinary,
    Uuid,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from server.extensions import db
from server.models import PATIENT_HELD, CheckIn, Clinic, Patient, TrendState
from server.services.courses import courses_of
from server.services.limits import thresholds_by_day
from server.services.listed import any_of, as_table
from server.services.outages import outage_days
from server.services.own_days import OwnDays, cut_short, own_days
from server.services.pauses import paused_days
from server.trends import Thresholds
from server.trends.caseload import ENDLESS, News, catch_up, columns, days, enter_course
from server.trends.standing import ROW, VERSION, Standings, nobody_yet, unpacked
from server.trends.state import Bools

DAY = timedelta(days=1)


@dataclass(slots=True)
class Batch:
    """Patients of one clinic who are due, locked; lists and arrays by patient."""

    clinic: Clinic
    versions: Sequence[tuple[date, Thresholds]]  # of its limits, as thresholds_by_day has them
    patients: Sequence[Any]  # of each what hold_due reads
    closed: list[date]  # the last local day that is over
    rows: Standings  # where each stands after it
    close: Bools  # who needs a closer look: a rule may have something to say, or nothing was known
    through: list[date | None]  # the last day that a row may be kept for; None: it will not do

    def of(self, these: Bools) -> "Batch":
        """Some of the patients."""
        who = np.flatnonzero(these).tolist()
        patients, closed = [self.patients[one] for one in who], [self.closed[one] for one in who]
        through = [self.through[one] for one in who]
        return Batch(self.clinic, self.versions, patients, closed, self.rows.of(these), self.close[these], through)


def look_over(clinic: Clinic, patients: Sequence[Any], now: datetime) -> Batch:
    """Brings the standing of each of these patients (of `hold_due`) to the last day that is over.

    Whose diary changed behind the standing (`trend_through` is None), or who has none, is read from the first day on
    and always needs a closer look. Nothing is written.
    """
    # A clock that was ahead may have closed more: that stays closed.
    closed = [max(_days(clinic, one, now).over, one.trend_through or date.min) for one in patients]
    versions = thresholds_by_day(clinic)
    begins, thresholds = _newest(versions)
    # Days of before these limits are judged by others, on the diary.
    known = np.array([bool(one.standing) and one.trend_through + DAY >= begins for one in patients], np.bool_)
    rows = nobody_yet(len(patients))
    rows.put(known, unpacked([one.standing for one, ok in zip(patients, known, strict=True) if ok]))
    _enter_courses(rows, patients, closed, known)
    news = _news(clinic, patients, closed, known)
    rows, look, look_open = catch_up(rows, news, thresholds)
    return Batch(clinic, versions, patients, closed, rows, ~known | look | look_open, list(closed))


def _newest(versions: Sequence[tuple[date, Thresholds]]) -> tuple[date, Thresholds]:
    """The limits in force, and the first local day that they judge."""
    first, thresholds = versions[-1]
    return first if len(versions) > 1 else date.min, thresholds


def write_back(batch: Batch, now: datetime) -> None:
    """Keeps the standings, and puts each patient's next look at the end of the local day."""
    if not batch.patients:
        return
    ends = (_days(batch.clinic, one, now).closes_at if one.active else None for one in batch.patients)
    ids = [one.id for one in batch.patients]
    due = as_table(
        id=(ids, Uuid),
        through=(batch.through, Date),
        due_at=(ends, DateTime(timezone=True)),
    )
    db.session.execute(
        update(Patient)
        .where(Patient.id == due.c.id)
        .values(
            trend_through=due.c.through,
            assess_due_at=due.c.due_at,
            assessed_at=now,
            assess_queued_at=None,
            assess_failures=0,
            assess_error=None,
        )
        .execution_options(synchronize_session=False)
    )
    kept = as_table(
        id=(ids, Uuid),
        standing=(batch.rows.packed(), LargeBinary),
    )
    states = insert(TrendState).from_select(
        ["patient_id", "version", "standing"], select(kept.c.id, literal(VERSION), kept.c.standing)
    )
    new = {"version": states.excluded.version, "standing": states.excluded.standing}
    db.session.execute(states.on_conflict_do_update(index_elements=["patient_id"], set_=new))


def _days(clinic: Clinic, one: Any, now: datetime) -> OwnDays:
    return own_days(one.zone, one.closed_elsewhere, clinic.day_starts_at, now)


def hold_due(clinic: Clinic, patient_ids: Iterable[uuid.UUID], now: datetime) -> Sequence[Any]:
    """Locks those of these patients who are due, each with what is remembered of it."""
    return db.session.execute(
        select(
            Patient.id,
            Patient.zone,
            Patient.days_cut_short,
            Patient.closed_elsewhere,
            Patient.active,
            Patient.trend_through,
            Patient.monitored_from,
            Patient.monitored_until,
            TrendState.standing,
        )
        .outerjoin(
            TrendState,
            (TrendState.patient_id == Patient.id)
            & (TrendState.version == VERSION)
            & (func.length(TrendState.standing) == ROW.itemsize)
            & Patient.trend_through.is_not(None),
        )
        .where(
            Patient.id == any_of(patient_ids),
            Patient.clinic_id == clinic.id,
            # Queued, it was due by the clock of whoever queued it; this machine's may be a little behind.
            or_(Patient.assess_due_at <= now, Patient.assess_queued_at.is_not(None)),
        )
        .order_by(Patient.id)
        .with_for_update(**PATIENT_HELD)
    ).all()


def _enter_courses(rows: Standings, patients: Sequence[Any], closed: Sequence[date], known: Bools) -> None:
    new = np.flatnonzero(~known).tolist()
    courses = courses_of([patients[who].id for who in new]) if new else {}
    for who in new:
        enter_course(rows, who, courses.get(patients[who].id), closed[who])


def _news(clinic: Clinic, patients: Sequence[Any], closed: Sequence[date], known: Bools) -> News:
    """What came after the day that each standing holds; for whoever has none, all that there is."""
    since = [one.trend_through if known[who] else date.min for who, one in enumerate(patients)]
    said = columns(_said([one.id for one in patients], since))
    begin = [min(one.monitored_from or over, over) for one, over in zip(patients, closed, strict=True)]
    first = np.array([day.toordinal() for day in begin], np.int64)
    np.minimum.at(first, said.who, said.day)
    held = np.array([day.toordinal() for day in since], np.int64)
    return News(
        after=np.where(known, held, first - 1),
        until=np.array([day.toordinal() for day in closed], np.int64),
        monitored_from=np.array([_ordinal(one.monitored_from, 0) for one in patients], np.int64),
        monitored_until=np.array([_ordinal(one.monitored_until, ENDLESS) for one in patients], np.int64),
        said=said,
        paused=days(paused_days([one.id for one in patients], closed)),
        # What is replayed came through no service, so none was down.
        unknown=days(chain(_cut_short(patients, since, closed), _down(patients, since) if clinic.live else ())),
    )


def _said(ids: Sequence[uuid.UUID], since: Sequence[date]) -> Iterator[tuple[int, int, Any, Any, Any]]:
    """The check-ins that count of the days after `since`: whose, day, craving, mood, used."""
    asked = as_table(id=(ids, Uuid), since=(since, Date), numbered="who")
    newer = (
        select(CheckIn.day, CheckIn.craving, CheckIn.mood, CheckIn.used)
        .where(CheckIn.patient_id == asked.c.id, CheckIn.day > asked.c.since, CheckIn.counts)
        # A fence: a look-up in the index for each patient, whatever the planner believes of the length of diaries.
        .offset(0)
        .lateral("newer")
    )
    found = db.session.execute(select(asked.c.who, newer).join_from(asked, newer, true()))
    for who, day, craving, mood, used in found:
        yield who - 1, day.toordinal(), craving, mood, used


def _down(patients: Sequence[Any], since: Sequence[date]) -> Iterator[tuple[int, date]]:
    """The days on which our own service was down."""
    # Before monitoring began nothing was awaited, so nothing is asked of times before.
    first = [max(day, one.monitored_from or day) for one, day in zip(patients, since, strict=True)]
    for who, unknown in enumerate(outage_days([one.id for one in patients], first)):
        for day in unknown:
            yield who, day


def _cut_short(patients: Sequence[Any], since: Sequence[date], closed: Sequence[date]) -> Iterator[tuple[int, date]]:
    for who, (one, last) in enumerate(zip(patients, closed, strict=True)):
        first = max(since[who], one.monitored_from or last)
        for day in cut_short(one.zone, one.days_cut_short, first, last):
            yield who, day


def _ordinal(day: date | None, otherwise: int) -> int:
    return day.toordinal() if day else otherwise
