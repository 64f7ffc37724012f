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

from server.extensions import Instant, db, table_of
from server.models import PATIENT_HELD, Clinic, Patient, Watch
from server.services.listed import any_of, given, to_come
from server.services.packed import NO_DAY, Records, dates, day, ordinals, raw, truth, whole
from server.trends.standing import ROW, VERSION
from server.trends.state import Bools, Ints

_WATCH, _PATIENT = table_of(Watch), table_of(Patient)


@dataclass(frozen=True, slots=True)
class Due:
    """Patients of one clinic who are due, the Watch of each held; lists and arrays by patient, days as ordinals."""

    ids: list[uuid.UUID]
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
    return _take(clinic, ids, now, passing=False)


def hold_standing(clinic: Clinic, patient_ids: Sequence[uuid.UUID], now: datetime) -> Due:
    """Those who are due, have a standing that will do, and whose Watch nobody holds: it waits for nobody.

    Their own rows are not held. Whoever changes something that a standing rests on, a check-in too, writes the Watch
    in the same transaction: after this one, and forgets what this one wrote; or before, and is passed over here.
    """
    return _take(clinic, patient_ids, now, passing=True)


def _take(clinic: Clinic, patient_ids: Sequence[uuid.UUID], now: datetime, *, passing: bool) -> Due:
    asked = {**given(id=patient_ids), "clinic": clinic.id, "now": now}
    records, taking = _taking(passing)
    packed, zones, cut = db.session.execute(taking, asked).one()
    found = records.read(packed)
    elsewhere = dates(ordinals(found["closed_elsewhere"]))
    monitored_from = ordinals(found["monitored_from"])
    return Due(
        ids=[patient_ids[place - 1] for place in found["place"].tolist()],
        zones=zones or [],
        cut_by_travel=[tuple(map(date.fromisoformat, listed.split())) for listed in cut or []],
        closed_elsewhere=[None if one == NO_DAY else one for one in elsewhere],
        active=found["active"],
        monitored_from=np.where(monitored_from == NO_DAY.toordinal(), 0, monitored_from),
        monitored_until=ordinals(found["monitored_until"]),
        through=ordinals(found["through"]),
        stands=found["stands"],
        standings=found["standing"],
    )


_ASKED = to_come(id=Uuid, numbered="place")
_OURS = (_WATCH.c.version == VERSION) & (func.length(_WATCH.c.standing) == ROW.itemsize)
_STANDS = func.coalesce(_WATCH.c.through.is_not(None) & _OURS, False)
_DUE = (
    select(
        _ASKED.c.place,
        _PATIENT.c.zone,
        func.array_to_string(_PATIENT.c.days_cut_short, " ").label("cut_by_travel"),
        _PATIENT.c.closed_elsewhere,
        _PATIENT.c.active,
        _PATIENT.c.monitored_from,
        _PATIENT.c.monitored_until,
        _WATCH.c.through,
        _STANDS.label("stands"),
        case((_STANDS, _WATCH.c.standing), else_=bytes(ROW.itemsize)).label("standing"),
    )
    .join_from(_ASKED, _WATCH, _WATCH.c.patient_id == _ASKED.c.id)
    .join(_PATIENT, _PATIENT.c.id == _WATCH.c.patient_id)
    .where(
        _PATIENT.c.clinic_id == bindparam("clinic"),
        _PATIENT.c.withdrawn_at.is_(None),
        # Queued, it was due by the clock of whoever queued it; this machine's may be a little behind.
        or_(_WATCH.c.due_at <= bindparam("now", type_=Instant), _WATCH.c.queued_at.is_not(None)),
    )
)


@cache
def _taking(passing: bool) -> tuple[Records, Select[Any, Any, Any]]:
    """All of them as one row: records, zones, and days cut short."""
    due = _DUE.where(_STANDS) if passing else _DUE.order_by(_WATCH.c.patient_id)
    held = due.with_for_update(of=_WATCH, key_share=True, skip_locked=passing).subquery("held").c
    records = Records(
        place=whole(held.place),
        active=truth(held.active),
        closed_elsewhere=day(held.closed_elsewhere, NO_DAY),
        monitored_from=day(held.monitored_from, NO_DAY),
        monitored_until=day(held.monitored_until, date.max),
        through=day(held.through, NO_DAY),
        stands=truth(held.stands),
        standing=raw(held.standing, ROW.itemsize),
    )
    return records, select(records.value, func.array_agg(held.zone), func.array_agg(held.cut_by_travel))
