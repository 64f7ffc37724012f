"""Watching: who must be looked at, and looking at one patient. What to find is server.trends' affair."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import and_, or_, select, update

from server.extensions import db
from server.models import PATIENT_HELD, Clinic, Patient
from server.queue import waiting_for
from server.scope import entered
from server.services.limits import thresholds_by_day
from server.services.raising import raise_findings
from server.services.records import record_of
from server.services.restating import restate
from server.services.standings import Batch, look_over, write_back
from server.trends import assess_dated
from server.trends.caseload import enter_course

# A job that is neither done nor waiting after this long was lost: the queue may lose one, we may not.
LOST = timedelta(minutes=2)
# A failing assessment is tried again, later each time, up to this long.
LONGEST_PAUSE = timedelta(hours=6)


def claim_due(now: datetime) -> Sequence[uuid.UUID]:
    """Marks the clinic's patients who are due as queued and returns them, for the caller to enqueue with this."""
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


def pass_over(patient_ids: Sequence[uuid.UUID], now: datetime) -> tuple[int, list[uuid.UUID]]:
    """Looks at those of these patients who are due and of whom no rule has anything to say.

    Returns how many they were, and the others, who need a closer look: of them nothing is written. The transaction is
    the caller's, and of one clinic; it may be a large one, for it is over quickly.
    """
    batch = look_over(_clinic(), patient_ids, now)
    quiet = batch.of(~batch.close)
    write_back(quiet, now)
    return len(quiet.patients), [batch.patients[who].id for who in np.flatnonzero(batch.close).tolist()]


def assess(patient_ids: Sequence[uuid.UUID], now: datetime) -> int:
    """Looks at those of these patients who are due, and raises what is found; returns how many that were.

    Whoever needs it is looked at closely: every rule, on the whole diary. All of it is one transaction, the caller's,
    and of one clinic.
    """
    batch = look_over(_clinic(), patient_ids, now)
    for who in np.flatnonzero(batch.close).tolist():
        look_closely(batch, who, now)
    write_back(batch, now)
    return len(batch.patients)


def _clinic() -> Clinic:
    return db.session.get_one(Clinic, entered())


def look_closely(batch: Batch, who: int, now: datetime) -> None:
    """Every rule on the whole diary, and what is out already brought into line with it."""
    patient = db.session.get_one(Patient, batch.patients[who].id, populate_existing=True)
    over = batch.closed[who]
    record = replace(record_of(patient, now), today=over)
    findings = assess_dated(record, thresholds_by_day(batch.clinic))
    enter_course(batch.rows, who, record.course, over)
    if restate(patient, raise_findings(patient, findings, now), over, now):
        # What an open day has told may change until it is over, and then is compared with the diary once more.
        batch.through[who] = None


def record_failure(patient_id: uuid.UUID, error: Exception, now: datetime) -> None:
    """Keeps what kind of failure it was, and tries again later: the others must not wait for this one."""
    patient = db.session.get(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    if patient is None or patient.withdrawn_at is not None:  # erased or withdrawn since it was queued
        return
    patient.assess_failures = min(patient.assess_failures + 1, 1000)
    patient.assess_error = type(error).__name__
    patient.assess_queued_at = None
    patient.assess_due_at = now + min(timedelta(minutes=2 ** min(patient.assess_failures, 10)), LONGEST_PAUSE)
    db.session.flush()
