"""Who of a batch is due: held, and read in one statement, with all that a look needs of patient and diary."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnClause, Date, FromClause, Select, bindparam, case, column, func, or_, select, true

from server.extensions import Instant, ask, db, table_of
from server.models import PATIENT_HELD, CheckIn, Clinic, Patient, Watch
from server.questions import BINARY
from server.services.listed import Ids, any_given, any_of
from server.services.packed import (
    NO_DAY,
    Records,
    day,
    identity,
    number,
    ordinals,
    place,
    raw,
    truth,
    whole,
)
from server.trends.caseload import Said
from server.trends.standing import ROW, USED, VERSION
from server.trends.state import Bools, Ints

_WATCH, _PATIENT, _CHECK_IN = table_of(Watch), table_of(Patient), table_of(CheckIn)


class Clock(NamedTuple):
    """What a patient's own days follow from; most of a batch share one."""

    zone: str
    closed_elsewhere: date | None
    cut_by_travel: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """Patients of one clinic who are due, the Watch of each held; arrays by patient, days as ordinals."""

    ids: Ids
    rows: NDArray[np.void]  # where the Watch of each lies, as long as it is held and not written
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
    """In a statement of its own: it sees all that had been committed when the last of them was held.

    `begins`: the first day of the limits in force. Days before it are judged by others, on the diary.
    """
    return _read(_reading(passing=False), {"ids": held.listed, "begins": begins})


def hold_standing(patient_ids: Ids, now: datetime) -> Due:
    """Those who are due, have a standing that will do, and whose Watch nobody holds: it waits for nobody.

    Their own rows are not held. Whoever changes something that is read here, by a check-in too, writes the Watch in the
    same transaction: after this one, and forgets what this one wrote; or at this moment, and the patient is passed
    over here; or before it was held and after all this was read, and then the row that is held is not the one that was
    read, and the patient is passed over, too.
    """
    ask(_EACH_BY_ITS_KEY, {})
    return _read(_reading(passing=True), {"ids": patient_ids.listed, "now": now, "begins": date.min})


def still_due(patient_ids: Ids, now: datetime) -> Sequence[uuid.UUID]:
    """Which of them, in no order; nothing is held."""
    return db.session.scalars(
        select(_WATCH.c.patient_id).where(_WATCH.c.patient_id == any_of(patient_ids), _IS_DUE), {"now": now}
    ).all()


def _of_row(name: str, table: FromClause) -> ColumnClause[Any]:
    """What PostgreSQL itself keeps of each row: where it lies (ctid), and which transaction wrote it (xmin)."""
    return column(name, _selectable=table)


CTID = _of_row("ctid", _WATCH)
# Of a large caseload the planner would rather read every row than look each one up; of one that nobody has analyzed
# since a restore, it would do so for each row. (Ways that are off look dear, and for what is dear it would compile.)
_OTHER_WAYS = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_material", "jit")
_EACH_BY_ITS_KEY = select(*(func.set_config(way, "off", True) for way in _OTHER_WAYS))
_OURS = (_WATCH.c.version == VERSION) & (func.length(_WATCH.c.standing) == ROW.itemsize)
_STANDS = func.coalesce(_WATCH.c.through.is_not(None) & _OURS, False)
_WILL_DO = _STANDS & (_WATCH.c.through + 1 >= bindparam("begins", type_=Date))
# Queued, it was due by the clock of whoever queued it; this machine's may be a little behind.
_IS_DUE = or_(_WATCH.c.due_at <= bindparam("now", type_=Instant), _WATCH.c.queued_at.is_not(None))
_STANDING = case((_STANDS, _WATCH.c.standing), else_=bytes(ROW.itemsize))


class _Reading(NamedTuple):
    statement: Select[Any]  # a row for each clock
    patients: Records
    said: Records


@cache
def _reading(*, passing: bool) -> _Reading:
    read = select(
        _WATCH.c.patient_id,
        CTID.label("lies"),
        _PATIENT.c.zone,
        _PATIENT.c.closed_elsewhere,
        func.array_to_string(_PATIENT.c.days_cut_short, " ").label("cut"),
        _PATIENT.c.active,
        _PATIENT.c.monitored_from,
        _PATIENT.c.monitored_until,
        _WATCH.c.through,
        _STANDS.label("stands"),
        _STANDING.label("standing"),
        case((_WILL_DO, _WATCH.c.through), else_=NO_DAY).label("since"),
    )
    joined = _WATCH.join(_PATIENT, _PATIENT.c.id == _WATCH.c.patient_id)
    if passing:
        held, read = _WATCH.alias("held"), read.where(_IS_DUE, _STANDS)
        # PostgreSQL holds the newest row there is, and asks again of that one: it must be the one that is read. By who
        # wrote it, too: releases of before November 2025 do not ask again where it lies.
        joined = joined.join(held, _of_row("ctid", held) == CTID)
        read = read.where(_of_row("xmin", held) == _of_row("xmin", _WATCH))
        read = read.with_for_update(of=held, key_share=True, skip_locked=True)
    read = read.where(_WATCH.c.patient_id == any_given("ids"), _PATIENT.c.withdrawn_at.is_(None))
    due = read.select_from(joined).subquery("due")
    said = Records(
        day=day(_CHECK_IN.c.day, NO_DAY),
        craving=number(_CHECK_IN.c.craving),
        mood=number(_CHECK_IN.c.mood),
        used=whole(case(USED, value=_CHECK_IN.c.used, else_=0)),
    )
    since = (_CHECK_IN.c.patient_id == due.c.patient_id) & (_CHECK_IN.c.day > due.c.since)
    newer = select(said.value.label("said")).where(since, _CHECK_IN.c.counts).lateral("newer")
    patients = Records(
        patient=identity(due.c.patient_id),
        lies=place(due.c.lies),
        active=truth(due.c.active),
        monitored_from=day(due.c.monitored_from, NO_DAY),
        monitored_until=day(due.c.monitored_until, date.max),
        through=day(due.c.through, NO_DAY),
        stands=truth(due.c.stands),
        said=whole(func.coalesce(func.length(newer.c.said), 0) // said.size),
        standing=raw(due.c.standing, ROW.itemsize),
    )
    clock = (due.c.zone, due.c.closed_elsewhere, due.c.cut)
    packed = func.string_agg(newer.c.said, b"").label("said")
    together = select(*clock, patients.value.label("patients"), packed).join_from(due, newer, true())
    return _Reading(together.group_by(*clock).execution_options(**{BINARY: True}), patients, said)


def _read(reading: _Reading, values: dict[str, Any]) -> Due:
    rows = ask(reading.statement, values)
    each = [reading.patients.read(row.patients) for row in rows]
    found = np.concatenate(each) if each else reading.patients.read(None)
    said = reading.said.read(b"".join(row.said for row in rows if row.said))
    monitored_from = ordinals(found["monitored_from"])
    craving, mood = (said[name].astype(np.float64) for name in ("craving", "mood"))
    return Due(
        ids=Ids(found["patient"]),
        rows=found["lies"],
        clocks=[Clock(row.zone, row.closed_elsewhere, tuple(map(date.fromisoformat, row.cut.split()))) for row in rows],
        clock=np.repeat(np.arange(len(rows)), [len(one) for one in each]),
        active=found["active"],
        monitored_from=np.where(monitored_from == NO_DAY.toordinal(), 0, monitored_from),
        monitored_until=ordinals(found["monitored_until"]),
        through=ordinals(found["through"]),
        stands=found["stands"],
        standings=found["standing"],
        said=Said(
            np.repeat(np.arange(len(found)), found["said"]),
            ordinals(said["day"]),
            craving,
            mood,
            said["used"].astype(np.int64),
        ),
    )
