"""When somebody must look at a patient again. Nobody looks at whoever takes no part any more."""

from datetime import datetime

from server.models import Patient
from server.services.own_days import days_of


def look_at_once(patient: Patient, now: datetime) -> None:
    """Something came in that a rule reads: the next tick finds the patient due."""
    _look_by(patient, now)


def look_by_end_of_day(patient: Patient, now: datetime) -> None:
    """Whatever changed (a pause, a zone): by the end of the patient's day, and a look that is due stays due."""
    _look_by(patient, days_of(patient, now).closes_at)


def _look_by(patient: Patient, at: datetime) -> None:
    if patient.withdrawn_at is None:
        patient.assess_due_at = min(at, patient.assess_due_at or at)
