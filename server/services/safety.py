"""A yes to the question about self-harm: what cannot wait for a tick, nor for a tidy request."""

import uuid
from datetime import date, datetime

from sqlalchemy import exists, select

from server.clock import local_day
from server.extensions import db
from server.models import PATIENT_HELD, Alert, AlertEvent, AlertState, Patient
from server.services.limits import thresholds_of
from server.services.raising import raise_findings
from server.trends import safety_concern


def raise_safety_concern(patient: Patient, day: date, now: datetime) -> None:
    """Raises the alert in the caller's transaction. The caller holds the patient's row."""
    raise_findings(patient, [safety_concern(day, thresholds_of(patient.clinic_id))], now)


def heed_refused(patient_id: uuid.UUID, now: datetime) -> None:
    """The same for a yes in an item that is refused for something else.

    A phone sends a refused item again and again; one alert a day that nobody has closed yet tells of all of them.
    """
    patient = db.session.get_one(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    day = local_day(now, patient.zone, patient.clinic.day_starts_at)
    told = exists().where(
        Alert.patient_id == patient_id,
        Alert.rule == "safety_concern",
        Alert.state != AlertState.RESOLVED,
        AlertEvent.alert_id == Alert.id,
        AlertEvent.day == day,
    )
    if not db.session.scalar(select(told)):
        raise_safety_concern(patient, day, now)
