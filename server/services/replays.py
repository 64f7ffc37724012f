"""When what the trend engine remembers of a patient will not do any more, and the diary must be read again."""

import uuid
from datetime import date

from sqlalchemy import func, select, update

from server.extensions import db
from server.models import Patient
from server.services.holding import Held


def replay_from(patient: Held | Patient, day: date) -> None:
    """Something about `day` changed: a standing that holds it will not do. The caller holds the patient's row."""
    if patient.trend_through is not None and day <= patient.trend_through:
        patient.trend_through = None


def replay_all_from(day: date, clinic_id: uuid.UUID | None = None) -> None:
    """The same for every patient (of a clinic)."""
    if clinic_id is None:
        # No query of ours sees every clinic.
        db.session.execute(select(func.forget_trends_from(day)))
        db.session.expire_all()
        return
    changed = update(Patient).where(Patient.clinic_id == clinic_id, Patient.trend_through >= day)
    db.session.execute(changed.values(trend_through=None))


def replay(patient: Patient) -> None:
    """Something changed that every day may rest on: the course, the zone, the monitored days."""
    patient.trend_through = None
