"""Watching: who must be looked at, and looking at one patient. What to find is server.trends' affair."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update

from server.extensions import db
from server.models import PATIENT_HELD, Alert, AlertEmail, CheckIn, Clinic, EmailState, Patient
from server.services.alerts import raise_findings
from server.services.check_ins import counting
from server.services.courses import treatment_of
from server.services.patients import end_of_day
from server.trends import Reading, Thresholds, assess

# A queued assessment that nobody has done after this long is queued again: the queue may lose a job, we may not.
REQUEUE = timedelta(minutes=10)
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
                Patient.assess_queued_at < now - REQUEUE,
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
    if patient.assess_due_at is None or patient.assess_due_at > now:
        return False
    readings = [_reading(check_in) for check_in in counting(patient.id)]
    raise_findings(patient, assess(readings, treatment_of(patient.id), _thresholds(patient.clinic)), now)
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


def health(now: datetime) -> dict[str, object]:
    """What is late or failing, for readyz: counts and ages only."""
    oldest_due = db.session.scalar(
        select(func.min(Patient.assess_due_at)).join(Clinic, Clinic.id == Patient.clinic_id).where(Clinic.live)
    )
    failing = select(func.count()).select_from(Patient).where(Patient.assess_failures > 0)
    queued = select(func.count(), func.min(AlertEmail.created_at)).where(AlertEmail.state == EmailState.QUEUED)
    lost = select(func.count()).select_from(AlertEmail).where(AlertEmail.state == EmailState.UNDELIVERABLE)
    unheard = (
        select(func.count())
        .select_from(Alert)
        .join(Clinic, Clinic.id == Alert.clinic_id)
        .where(Clinic.live, ~select(AlertEmail.id).where(AlertEmail.alert_id == Alert.id).exists())
    )
    waiting, oldest_mail = db.session.execute(queued).one()
    return {
        "assessment_late_seconds": _late(oldest_due, now),
        "assessments_failing": db.session.scalar(failing),
        "emails_waiting": waiting,
        "email_late_seconds": _late(oldest_mail, now),
        "emails_undeliverable": db.session.scalar(lost),
        "alerts_without_recipient": db.session.scalar(unheard),
    }


def _late(since: datetime | None, now: datetime) -> int:
    return max(0, int((now - since).total_seconds())) if since else 0


def _reading(check_in: CheckIn) -> Reading:
    return Reading(
        day=check_in.day,
        craving=None if check_in.craving is None else float(check_in.craving),
        mood=None if check_in.mood is None else float(check_in.mood),
        used=check_in.used,
    )


def _thresholds(clinic: Clinic) -> Thresholds:
    return Thresholds(
        version=clinic.limits_version,
        h=float(clinic.cusum_limit),
        craving_severe=float(clinic.craving_severe_at),
        mood_very_low=float(clinic.mood_very_low_at),
    )
