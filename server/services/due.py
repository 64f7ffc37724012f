"""Who of a batch is due: held, and read as one row, with all that a look needs of the patient and of the Watch."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, Uuid, bindparam, case, func, or_, select

from server.extensions import Instant, ask, ask_one, db, table_of
from server.models import PATIENT_HELD, Clinic, Patient, Watch
from server.services.listed import Ids, any_of, as_table, given
from server.services.packed import NO_DAY, Records, dates, day, ordinals, raw, truth, whole
from server.trends.standing import ROW, VERSION
from server.trends.state import Bools, Ints

_WATCH, _PATIENT = table_of(Watch), table_of(Patient)


@dataclass(frozen=True, slots=True)
class Due:
    """Patients of one clinic who are due, the Watch of each held; lists and arrays by patient, days as ordinals."""

    ids: Ids
    zones: list[str]
    cut_by_travel: list[tuple[date, ...]]
    closed_elsewhere: list[date | None]
    active: Bools
    monitored_from: Ints  # 0: not monitored
    monitored_until: Ints
    through: Ints  # the last day that the standing holds
    stands: Bools  # is there one that this engine made, and that nothing has changed behind
    standings: NDArray[np.void]


def hold_due(clinic: Clinic, patient_ids: Sequence[uuid.UUID], now: datetime) -> Due:
    """Those of these patients who are due, held whole: nothing of theirs changes, and nobody else raises anything."""
    # Their own rows first, as whoever changes anything of a patient does; in one order, as whoever holds several.
    held = select(Patient.id).where(Patient.id == any_of(patient_ids), Patient.clinic_id == clinic.id)
    ids = db.session.scalars(held.order_by(Patient.id).with_for_update(**PATIENT_HELD)).all()
    return _read(_hold(Ids(ids), now, passing=False))


def hold_standing(patient_ids: Sequence[uuid.UUID], now: datetime) -> Due:
    """Those who are due, have a standing that will do, and whose Watch nobody holds: it waits for nobody.

    Their own rows are not held. Whoever changes something that a standing rests on, a check-in too, writes the Watch
    in the same transaction: after this one, and forgets what this one wrote; or before, and is passed over here, or
    has committed before what follows is read.
    """
    # Of a large caseload the planner would rather read every row than look each one up.
    ask(_EACH_BY_ITS_KEY, {})
    return _read(_hold(Ids(patient_ids), now, passing=True))


def still_due(patient_ids: Sequence[uuid.UUID], now: datetime) -> Sequence[uuid.UUID]:
    """Which of them, in no order; nothing is held."""
    return db.session.scalars(
        select(_WATCH.c.patient_id).where(_WATCH.c.patient_id == any_of(patient_ids), _IS_DUE), {"now": now}
    ).all()


_EACH_BY_ITS_KEY = select(*(func.set_config(f"enable_{how}", "off", True) for how in ("hashjoin", "mergejoin")))
_ASKED = as_table(id=Uuid, numbered="place")
_OURS = (_WATCH.c.version == VERSION) & (func.length(_WATCH.c.standing) == ROW.itemsize)
_STANDS = func.coalesce(_WATCH.c.through.is_not(None) & _OURS, False)
# Queued, it was due by the clock of whoever queued it; this machine's may be a little behind.
_IS_DUE = or_(_WATCH.c.due_at <= bindparam("now", type_=Instant), _WATCH.c.queued_at.is_not(None))


@cache
def _holding(passing: bool) -> tuple[Records, Select[Any]]:
    due = select(_ASKED.c.place).join_from(_ASKED, _WATCH, _WATCH.c.patient_id == _ASKED.c.id).where(_IS_DUE)
    due = due.where(_STANDS) if passing else due.order_by(_WATCH.c.patient_id)
    held = due.with_for_update(of=_WATCH, key_share=True, skip_locked=passing).subquery("held")
    records = Records(place=whole(held.c.place))
    return records, select(records.value)


def _hold(patient_ids: Ids, now: datetime, *, passing: bool) -> Ids:
    records, holding = _holding(passing)
    found = records.read(*ask_one(holding, {**given(id=patient_ids), "now": now}))
    return patient_ids.of((found["place"] - 1).tolist())


def _read(held: Ids) -> Due:
    """In a statement of its own: it sees all that had been committed when the last of them was held."""
    packed, zones, cut = ask_one(_READ, given(id=held))
    found = _RECORDS.read(packed)
    elsewhere = dates(ordinals(found["closed_elsewhere"]))
    monitored_from = ordinals(found["monitored_from"])
    return Due(
        ids=held.of((found["place"] - 1).tolist()),
        zones=list(zones or ()),
        cut_by_travel=[tuple(map(date.fromisoformat, listed.split())) for listed in cut or []],
        closed_elsewhere=[None if one == NO_DAY else one for one in elsewhere],
        active=found["active"],
        monitored_from=np.where(monitored_from == NO_DAY.toordinal(), 0, monitored_from),
        monitored_until=ordinals(found["monitored_until"]),
        through=ordinals(found["through"]),
        stands=found["stands"],
        standings=found["standing"],
    )


_RECORDS = Records(
    place=whole(_ASKED.c.place),
    active=truth(_PATIENT.c.active),
    closed_elsewhere=day(_PATIENT.c.closed_elsewhere, NO_DAY),
    monitored_from=day(_PATIENT.c.monitored_from, NO_DAY),
    monitored_until=day(_PATIENT.c.monitored_until, date.max),
    through=day(_WATCH.c.through, NO_DAY),
    stands=truth(_STANDS),
    standing=raw(case((_STANDS, _WATCH.c.standing), else_=bytes(ROW.itemsize)), ROW.itemsize),
)
_READ = (
    # All of them as one row.
    select(
        _RECORDS.value,
        func.array_agg(_PATIENT.c.zone),
        func.array_agg(func.array_to_string(_PATIENT.c.days_cut_short, " ")),
    )
    .join_from(_ASKED, _WATCH, _WATCH.c.patient_id == _ASKED.c.id)
    .join(_PATIENT, _PATIENT.c.id == _WATCH.c.patient_id)
    .where(_PATIENT.c.withdrawn_at.is_(None))
)
