"""A patient's row, held while what a phone reports is taken: one writer at a time, and no more of it than that takes.

Read and written by columns: as an object of the whole row it costs a request more than all that the request stores.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from typing import Any

from sqlalchemy import Insert, bindparam, select, update

from server.extensions import db, table_of
from server.models import Clinic, Patient

# What may be set. All else is as it was read.
WRITTEN = ("assess_due_at", "trend_through", "changes", "quarantined")


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
    assess_due_at: datetime | None
    trend_through: date | None
    changes: int
    quarantined: int
    day_starts_at: int
    _was: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._was = self._written()

    def write(self, along: Insert | None = None, values: Mapping[str, Any] | None = None) -> None:
        """Whatever was set; and `along`, in the same statement."""
        written = self._written()
        if written == self._was:
            if along is not None:
                db.session.execute(along, values)
            return
        statement = _WRITE if along is None else _beside(along)
        db.session.execute(statement, {**written, "held": self.id, **(values or {})})
        self._was = written
        # An object of the row that the session has is read anew when it is asked.
        known = db.session.identity_map.get(db.session.identity_key(Patient, self.id))
        if known is not None:
            db.session.expire(known)

    def _written(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in WRITTEN}


_TABLE, _CLINIC = table_of(Patient), table_of(Clinic)
_HOLD = (
    select(
        *(_TABLE.c[name] for name in Held.__match_args__ if name in _TABLE.c),
        _CLINIC.c.day_starts_at,
    )
    .join_from(_TABLE, _CLINIC, _CLINIC.c.id == _TABLE.c.clinic_id)
    .where(_TABLE.c.id == bindparam("patient_id"))
    # As PATIENT_HELD has it: neither the clinic's row, nor whoever writes a row that refers to the patient.
    .with_for_update(of=_TABLE, key_share=True)
)
_WRITE = update(_TABLE).where(_TABLE.c.id == bindparam("held")).values({name: bindparam(name) for name in WRITTEN})


@cache
def _beside(along: Insert) -> Insert:
    return along.add_cte(_WRITE.cte("written"))


def hold(patient_id: uuid.UUID) -> Held:
    """Raises NoResultFound for whoever was erased meanwhile."""
    return Held(**db.session.execute(_HOLD, {"patient_id": patient_id}).mappings().one())
