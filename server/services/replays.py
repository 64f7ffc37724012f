"""When what the trend engine remembers of a patient will not do any more, and the diary must be read again.

Whoever changes what it rests on writes the patient's Watch in the same transaction, though there be nothing to
forget: a look at this moment may not see the change. Either the look comes first, and here is decided by what it
wrote, or the row is not the one that it read, and it passes over the patient.
"""

import uuid
from datetime import date

from sqlalchemy import case, func, null, select, update

from server.extensions import db, table_of
from server.models import Patient, Watch

_WATCH = table_of(Watch)


def replay_from(patient: Patient, day: date) -> None:
    """Something about `day` changed: a standing that holds it will not do. The caller holds the patient's row."""
    kept = case((_WATCH.c.through >= day, None), else_=_WATCH.c.through)
    db.session.execute(update(_WATCH).where(_WATCH.c.patient_id == patient.id).values(through=kept))


def replay_all_from(day: date, clinic_id: uuid.UUID | None = None) -> None:
    """The same for every patient (of a clinic)."""
    if clinic_id is None:
        # No query of ours sees every clinic.
        db.session.execute(select(func.forget_trends_from(day)))
        return
    of_clinic = _WATCH.c.clinic_id == clinic_id
    # All first, in the order of all who hold several; what a look had written by then, the next statement sees.
    held = select(_WATCH.c.patient_id).where(of_clinic).order_by(_WATCH.c.patient_id).with_for_update(key_share=True)
    db.session.execute(select(func.count()).select_from(held.subquery()))
    db.session.execute(update(_WATCH).where(of_clinic, _WATCH.c.through >= day).values(through=None))


def replay(patient: Patient) -> None:
    """Something changed that every day may rest on: the course, the zone, the monitored days."""
    db.session.execute(update(_WATCH).where(_WATCH.c.patient_id == patient.id).values(through=null()))
