"""Who of a batch is due, and all that a look needs of patient and diary: read in two statements, by key."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnClause, Select, bindparam, case, column, func, or_, select

from server.extensions import Instant, ask, ask_one, db, table_of
from server.models import PATIENT_HELD, CheckIn, Clinic, Patient, Watch
from server.questions import BINARY
from server.services.listed import Ids, any_of, as_table, given
from server.services.packed import (
    DAY,
    ID,
    NO_DAY,
    Records,
    day,
    number,
    ordinals,
    place,
    raw,
    sent_days,
    truth,
    whole,
    writer,
)
from server.trends.caseload import Said
from server.trends.standing import ROW, USED, VERSION
from server.trends.state import Bools, Ints

_WATCH, _PATIENT, _CHECK_IN = table_of(Watch), table_of(Patient), table_of(CheckIn)

# Well below the second after which PostgreSQL looks for a deadlock, and ends one of those who are in it.
LONGEST_WAIT = "50ms"


class Clock(NamedTuple):
    """What a patient's own days follow from; most of a batch share one."""

    zone: str
    closed_elsewhere: date | None
    cut_by_travel: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """Patients of one clinic who are due; arrays by patient, days as ordinals."""

    ids: Ids
    asked: Ints  # the place of each among those that were asked for
    lies: NDArray[np.void]  # where the Watch that was read of each lies: as long as nobody writes it,
    written_by: NDArray[np.void]  # and by which transaction it was written
    clocks: Sequence[Clock]
    clock: Ints  # whose is which of them
    active: Bools
    monitored_from: Ints  # 0: not monitored
    monitored_until: Ints
    through: Ints  # the last day that the standing holds
    stands: Bools  # is there one that this engine made, and that nothing has changed behind
    standings: NDArray[np.void]
    said: Said  # what counts, of the days after those that the standing holds; of all days where none will do


def hold_due(clinic: Clinic, patient_ids: Sequence[uuid.UUID], now: datetime) -> Ids:
    """Those of these patients who are due, held whole: nothing of theirs changes, and nobody else raises anything."""
    # Their own rows first, as whoever changes anything of a patient does; in one order, as whoever holds several.
    held = select(Patient.id).where(Patient.id == any_of(patient_ids), Patient.clinic_id == clinic.id)
    ids = db.session.scalars(held.order_by(Patient.id).with_for_update(**PATIENT_HELD)).all()
    due = select(_WATCH.c.patient_id).where(_WATCH.c.patient_id == any_of(ids), _IS_DUE)
    due = due.order_by(_WATCH.c.patient_id).with_for_update(key_share=True)
    return Ids.of_all(db.session.scalars(due, {"now": now}))


def read_due(held: Ids, begins: date) -> Due:
    """In statements of their own: they see all that had been committed when the last of them was held.

    `begins`: the first day of the limits in force. Days before it are judged by others, on the diary.
    """
    return _read(held, ask(_reading(passing=False).statement, given(ids=held)), begins)


def read_standing(patient_ids: Ids, now: datetime) -> Due:
    """Those who are due and have a standing that will do. Nothing is held, and no two of the answers need agree.

    Whoever changes something that is read here, or asked later for the same look, writes the Watch in the same
    transaction, by a check-in too. So what was read is the truth as long as the Watch is the one that was read; and
    whoever writes it next is to write that one, or none. From here on the transaction waits for no lock for long.
    """
    ask(_EACH_BY_ITS_KEY, {})
    return _read(patient_ids, ask(_reading(passing=True).statement, given(ids=patient_ids) | {"now": now}), date.min)


def hold_free(patient_ids: Ids) -> Ids:
    """Those of them whose Watch nobody else holds, in no order: held now."""
    free = select(_WATCH.c.patient_id).where(_WATCH.c.patient_id == any_of(patient_ids))
    return Ids.of_all(db.session.scalars(free.with_for_update(key_share=True, skip_locked=True)))


def still_due(patient_ids: Ids, now: datetime) -> Sequence[uuid.UUID]:
    """Which of them, in no order; nothing is held."""
    return db.session.scalars(
        select(_WATCH.c.patient_id).where(_WATCH.c.patient_id == any_of(patient_ids), _IS_DUE), {"now": now}
    ).all()


def _of_row(name: str) -> ColumnClause[Any]:
    return column(name, _selectable=_WATCH)


# What PostgreSQL itself keeps of each row: where it lies, and which transaction wrote it.
CTID, XMIN = _of_row("ctid"), _of_row("xmin")
# Of a large caseload the planner would rather read every row than look each one up; of one that nobody has analyzed
# since a restore, it would do so for each row. (Ways that are off look dear, and for what is dear it would compile.)
_OTHER_WAYS = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_material", "jit")
_EACH_BY_ITS_KEY = select(
    # Whoever holds a row for longer keeps this transaction from all the others that it has written.
    func.set_config("lock_timeout", LONGEST_WAIT, True),
    *(func.set_config(way, "off", True) for way in _OTHER_WAYS),
)
_OURS = (_WATCH.c.version == VERSION) & (func.length(_WATCH.c.standing) == ROW.itemsize)
_STANDS = func.coalesce(_WATCH.c.through.is_not(None) & _OURS, False)
# Queued, it was due by the clock of whoever queued it; this machine's may be a little behind.
_IS_DUE = or_(_WATCH.c.due_at <= bindparam("now", type_=Instant), _WATCH.c.queued_at.is_not(None))
_STANDING = case((_STANDS, _WATCH.c.standing), else_=bytes(ROW.itemsize))


class _Reading(NamedTuple):
    statement: Select[Any]  # a row for each clock
    patients: Records


@cache
def _reading(*, passing: bool) -> _Reading:
    asked = as_table(ids=ID, numbered="place")
    patients = Records(
        place=whole(asked.c.place),
        lies=place(CTID),
        written_by=writer(XMIN),
        active=truth(_PATIENT.c.active),
        monitored_from=day(_PATIENT.c.monitored_from, NO_DAY),
        monitored_until=day(_PATIENT.c.monitored_until, date.max),
        through=day(_WATCH.c.through, NO_DAY),
        stands=truth(_STANDS),
        standing=raw(_STANDING, ROW.itemsize),
    )
    clock = (_PATIENT.c.zone, _PATIENT.c.closed_elsewhere, _PATIENT.c.days_cut_short)
    found = asked.join(_WATCH, _WATCH.c.patient_id == asked.c.ids).join(_PATIENT, _PATIENT.c.id == _WATCH.c.patient_id)
    read = select(
        _PATIENT.c.zone,
        _PATIENT.c.closed_elsewhere,
        func.array_to_string(_PATIENT.c.days_cut_short, " ").label("cut"),
        patients.value.label("patients"),
    )
    read = read.select_from(found).where(_PATIENT.c.withdrawn_at.is_(None)).group_by(*clock)
    if passing:
        read = read.where(_IS_DUE, _STANDS)
    return _Reading(read.execution_options(**{BINARY: True}), patients)


_SINCE = as_table(ids=ID, since=DAY, numbered="place")
_SAID = Records(
    place=whole(_SINCE.c.place),
    day=day(_CHECK_IN.c.day, NO_DAY),
    craving=number(_CHECK_IN.c.craving),
    mood=number(_CHECK_IN.c.mood),
    used=whole(case(USED, value=_CHECK_IN.c.used, else_=0)),
)
_NEWER = (
    select(_SAID.value.label("said"))
    .select_from(
        _SINCE.join(_CHECK_IN, (_CHECK_IN.c.patient_id == _SINCE.c.ids) & (_CHECK_IN.c.day > _SINCE.c.since)),
    )
    .where(_CHECK_IN.c.counts)
    .execution_options(**{BINARY: True})
)


def _read(asked: Ids, rows: Sequence[Any], begins: date) -> Due:
    patients = _reading(passing=True).patients
    each = [patients.read(row.patients) for row in rows]
    found = np.concatenate(each) if each else patients.read(None)
    clock = np.repeat(np.arange(len(rows)), [len(one) for one in each])
    # In the order in which they were asked for, and not by clock: whoever holds several holds them in one order.
    order = np.argsort(found["place"])
    found, clock = found[order], clock[order]
    places = found["place"].astype(np.int64) - 1
    ids, through, stands = asked.of(places), ordinals(found["through"]), found["stands"]
    monitored_from = ordinals(found["monitored_from"])
    will_do = stands & (through + 1 >= begins.toordinal())
    return Due(
        ids=ids,
        asked=places,
        lies=found["lies"],
        written_by=found["written_by"],
        clocks=[Clock(row.zone, row.closed_elsewhere, tuple(map(date.fromisoformat, row.cut.split()))) for row in rows],
        clock=clock,
        active=found["active"],
        monitored_from=np.where(monitored_from == NO_DAY.toordinal(), 0, monitored_from),
        monitored_until=ordinals(found["monitored_until"]),
        through=through,
        stands=stands,
        standings=found["standing"],
        said=_newer(ids, np.where(will_do, through, NO_DAY.toordinal())),
    )


def _newer(ids: Ids, since: Ints) -> Said:
    said = _SAID.read(ask_one(_NEWER, given(ids=ids, since=sent_days(since))).said)
    craving, mood = (said[name].astype(np.float64) for name in ("craving", "mood"))
    return Said(said["place"].astype(np.int64) - 1, ordinals(said["day"]), craving, mood, said["used"].astype(np.int64))
