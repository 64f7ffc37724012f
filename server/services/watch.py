"""Watching: who must be looked at, and looking at one patient. What to find is server.trends' affair."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update

from server.extensions import db
from server.models import PATIENT_HELD, Clinic, Patient
from server.queue import waiting_for
from server.services.limits import thresholds_by_day
from server.services.patients import end_of_day
from server.services.raising import raise_findings
from server.services.records import record_of
from server.trends import assess_dated

# A job that is neither done nor waiting after this long was lost: the queue may lose one, we may not.
LOST = timedelta(minutes=2)
# A failing assessment is tried again, later each time, up to this long.
LONGEST_PAUSE = timedelta(hours=6)


def claim_due(now: datetime) -> Sequence[uuid.UUID]:
    """Marks the patients who are due as queued and returns them. The caller enqueues them in this transaction."""
    due = (
        select(Patient.id)
        .join(Clinic, Clinic.id == Patient.clinic_id)
        .where(
            Patient.assess_due_at <= now,
            Clinic.live,
            or_(
                Patient.assess_queued_at.is_(None),
                Patient.assess_queued_at < Patient.assess_due_at,
                and_(Patient.assess_queued_at < now - LOST, ~waiting_for("assess", "patient_ids", Patient.id)),
            ),
        )
        .with_for_update(**PATIENT_HELD, skip_locked=True)
    )
    return db.session.scalars(
        update(Patient)
        .where(Patient.id.in_(due))
        .values(assess_queued_at=now)
        .returning(Patient.id)
        .execution_options(synchronize_session=False)
    ).all()


def due_in(clinic_id: uuid.UUID, now: datetime) -> Sequence[uuid.UUID]:
    """Who is due in one clinic, live or not (a replay assesses its own)."""
    return db.session.scalars(
        select(Patient.id)
        .where(Patient.clinic_id == clinic_id, Patient.assess_due_at <= now)
        .order_by(Patient.created_at, Patient.id)
    ).all()


def assess_patient(patient_id: uuid.UUID, now: datetime) -> bool:
    """Looks at one patient's whole record and raises what is found; False when it was not due (any more)."""
    patient = db.session.get_one(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    is_due = patient.assess_due_at is not None and patient.assess_due_at <= now
    # Queued, it was due by the clock of whoever queued it; this machine's may be a little behind.
    if not is_due and patient.assess_queued_at is None:
        return False
    raise_findings(patient, assess_dated(record_of(patient, now), thresholds_by_day(patient.clinic)), now)
    patient.assessed_at = now
    patient.assess_queued_at = None
    patient.assess_failures = 0
    patient.assess_error = None
    patient.assess_due_at = end_of_day(patient, now) if patient.active else None
    db.session.flush()
    return True


def record_failure(patient_id: uuid.UUID, error: Exception, now: datetime) -> None:
    """Keeps what kind of failure it was, and tries again later: the others must not wait for this one."""
    patient = db.session.get(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    if patient is None:  # erased since it was queued
        return
    patient.assess_failures = min(patient.assess_failures + 1, 1000)
    patient.assess_error = type(error).__name__
    patient.assess_queued_at = None
    patient.assess_due_at = now + min(timedelta(minutes=2 ** min(patient.assess_failures, 10)), LONGEST_PAUSE)
    db.session.flush()
