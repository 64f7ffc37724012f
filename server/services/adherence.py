"""On which days a patient checked in, and nothing of what was said."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from server.extensions import db
from server.models import CheckIn, Patient
from server.services.own_days import days_of

DAYS = 90


def adherence(patient: Patient, now: datetime) -> dict[str, Any]:
    """The last local days of the patient, with those that have a check-in."""
    last = days_of(patient, now).today
    first = last - timedelta(days=DAYS - 1)
    days = (
        select(CheckIn.day)
        .where(CheckIn.patient_id == patient.id, CheckIn.counts, CheckIn.day.between(first, last))
        .order_by(CheckIn.day)
    )
    return {"first_day": first, "last_day": last, "checked_in": db.session.scalars(days).all()}
