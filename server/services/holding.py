"""A patient's row, held while what a phone reports is taken: one writer at a time, and no more of it than that takes.

Read and written by columns: as an object of the whole row it costs a request more than all that the request stores.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from typing import Any

from sqlalchemy import Insert, Select, Update, bindparam, func, select, update

from server.extensions import ask, ask_one, db, table_of
from server.models import Clinic, Patient
from server.services.looks import look_by, looking

# What may be set. All else is as it was read.
WRITTEN = ("changes", "quarantined")


@dataclass(slots=True)
class Held:
    """Named as the columns of Patient are; `day_starts_at` is the clinic's."""

    id: uuid.UUID
    clinic_id: uuid.UUID
    zone: str
    language: str
    region: str
    reminder_time: time | None
    withdrawn_at: datetime | None
    profile_change: int
    changes: int
    quarantined: int
    day_starts_at: int
    _was: dict[str, Any] = field(init=False, repr=False)
    _look_by: datetime | None = field(default=None, init=False, repr=False)
    _changed_from: date | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._was = self._written()

    def look_at_once(self, now: datetime, changed_from: date | None = None) -> None:
        """Something came in that a rule reads; `changed_from`: the first day of which something is not as it was."""
        self._look_by = min(now, self._look_by or now)
        if changed_from is not None:
            self._changed_from = min(changed_from, self._changed_from or changed_from)

    def write(self, along: Insert | None = None, values: Mapping[str, Any] | None = None) -> None:
        """Whatever was set or asked for; and `along`, in the same statement."""
        written = self._written()
        asked = self._look_by is not None
        if written == self._was and not asked:
            if along is not None:
                ask(along, values or {})
            return
        ask(_writing(along, asked), {**written, **self._looking(), "held": self.id, **(values or {})})
        self._have_written()

    def write_if(self, adds: Insert, values: Mapping[str, Any]) -> bool:
        """Whatever was set, and the look that was asked for, if `adds` adds a row; else none of it is any more."""
        ((added,),) = ask(_writing_if(adds), {**self._written(), **self._looking(), "held": self.id, **values})
        if added:
            self._have_written()
            return True
        for name, value in self._was.items():
            setattr(self, name, value)
        self._look_by = self._changed_from = None
        return False

    def _looking(self) -> dict[str, object]:
        return looking(self, self._look_by, self._changed_from) if self._look_by else {}

    def _have_written(self) -> None:
        self._was, self._look_by, self._changed_from = self._written(), None, None
        # An object of the row that the session has is read anew when it is asked.
        known = db.session.identity_map.get(db.session.identity_key(Patient, self.id))
        if known is not None:
            db.session.expire(known)

    def _written(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in WRITTEN}


_TABLE, _CLINIC = table_of(Patient), table_of(Clinic)
_COLUMNS = (*(_TABLE.c[name] for name in Held.__match_args__ if name in _TABLE.c), _CLINIC.c.day_starts_at)


def holding(asked: Select[Any]) -> Select[Any]:
    """A question that has the patient's table, and holds each row that it finds: `held_in` reads it."""
    asked = asked.add_columns(*_COLUMNS).join(_CLINIC, _CLINIC.c.id == _TABLE.c.clinic_id)
    # As PATIENT_HELD has it: neither the clinic's row, nor whoever writes a row that refers to the patient.
    return asked.with_for_update(of=_TABLE, key_share=True)


_HOLD = holding(select().select_from(_TABLE).where(_TABLE.c.id == bindparam("patient_id")))
_WRITE = update(_TABLE).where(_TABLE.c.id == bindparam("held")).values({name: bindparam(name) for name in WRITTEN})


@cache
def _writing(along: Insert | None, looked: bool) -> Insert | Update:
    """What was set, the look that was asked for, and `along`, in one statement."""
    whole: Insert | Update = _WRITE if along is None else along.add_cte(_WRITE.cte("written"))
    return whole.add_cte(look_by().cte("looked")) if looked else whole


@cache
def _writing_if(adds: Insert) -> Select[Any]:
    """`adds`, and whatever follows from a row that it added: how many there are is the answer."""
    added = adds.returning(adds.table.c.id).cte("added")
    written = _WRITE.where(select(added).exists()).cte("written")
    return select(func.count()).select_from(added).add_cte(written, look_by(added).cte("looked"))


def hold(patient_id: uuid.UUID) -> Held:
    """Raises NoResultFound for whoever was erased meanwhile."""
    return held_in(ask_one(_HOLD, {"patient_id": patient_id}))


def held_in(row: Any) -> Held:
    return Held(*(getattr(row, name) for name in Held.__match_args__))
