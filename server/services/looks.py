"""When somebody must look at a patient again. Nobody looks at whoever takes no part any more."""

import uuid
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import Date, FromClause, bindparam, case, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from server.extensions import db, table_of
from server.models import Patient, Watch
from server.services.own_days import days_of


class Watched(Protocol):
    """Whatever names a patient."""

    @property
    def id(self) -> uuid.UUID: ...

    @property
    def clinic_id(self) -> uuid.UUID: ...


_WATCH = table_of(Watch)
_ASKED = select(
    bindparam("watched", type_=_WATCH.c.patient_id.type),
    bindparam("watched_in", type_=_WATCH.c.clinic_id.type),
    bindparam("look_by", type_=_WATCH.c.due_at.type),
    literal(0, _WATCH.c.failures.type),
)


def look_by(after: FromClause | None = None) -> Insert:
    """Parameters of `looking`. Whoever was never looked at is from now on; of `after` there must be a row."""
    asked = _ASKED if after is None else _ASKED.select_from(after)
    new = insert(_WATCH).from_select(["patient_id", "clinic_id", "due_at", "failures"], asked)
    # By PostgreSQL, from the row as it then is: a look at this moment writes it, too. least() passes over NULL.
    return new.on_conflict_do_update(
        index_elements=["patient_id"],
        set_={
            "due_at": func.least(_WATCH.c.due_at, new.excluded.due_at),
            "through": case(
                (_WATCH.c.through >= bindparam("changed_from", type_=Date), None),
                else_=_WATCH.c.through,
            ),
        },
    )


_LOOK_BY = look_by()


def looking(patient: Watched, look_by: datetime, changed_from: date | None = None) -> dict[str, object]:
    """`changed_from`: the first day of which something changed that a standing rests on."""
    # A day in any case: with NULL the driver would take it for another statement, and have it planned apart.
    first = changed_from or date.max
    return {"watched": patient.id, "watched_in": patient.clinic_id, "look_by": look_by, "changed_from": first}


def look_at_once(patient: Patient, now: datetime) -> None:
    """Something came in that a rule reads: the next tick finds the patient due."""
    _look_by(patient, now)


def look_by_end_of_day(patient: Patient, now: datetime) -> None:
    """Whatever changed (a pause, a zone): by the end of the patient's day, and a look that is due stays due."""
    _look_by(patient, days_of(patient, now).closes_at)


def look_no_more(patient: Patient) -> None:
    """Until somebody asks for it again."""
    held = update(_WATCH).where(_WATCH.c.patient_id == patient.id)
    db.session.execute(held.values(due_at=None, queued_at=None))


def _look_by(patient: Patient, at: datetime) -> None:
    if patient.withdrawn_at is None:
        db.session.execute(_LOOK_BY, looking(patient, at))
