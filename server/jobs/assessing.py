"""Assess the patients who are due: the tick puts them on the queue in batches, the worker takes a batch."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import structlog

from server.extensions import db, now
from server.jobs.away import is_away
from server.logs import described
from server.queue import app as queue
from server.queue import enqueue
from server.scope import clinics_with_due, enter
from server.services import tallies, watch
from server.services.listed import Ids
from server.services.outages import notice_outages

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BATCH = 5000
TOGETHER = 50  # patients who are looked at closely in one transaction: their rows are held until it ends


def enqueue_due(at: datetime) -> int:
    """Returns how many patients were put on the queue, in batches of one clinic each."""
    # In one transaction: whoever assesses them knows which days nobody could check in on.
    notice_outages(at)
    return sum(_enqueue_due_in(clinic_id, at) for clinic_id in clinics_with_due("assess", at))


def _enqueue_due_in(clinic_id: uuid.UUID, at: datetime) -> int:
    enter(clinic_id)
    due = [str(patient_id) for patient_id in sorted(watch.claim_due(at))]
    for start in range(0, len(due), BATCH):
        enqueue("assess", db.session, clinic_id=str(clinic_id), patient_ids=due[start : start + BATCH])
    return len(due)


@queue.task(name="assess")
def assess(clinic_id: str, patient_ids: list[str]) -> None:
    enter(uuid.UUID(clinic_id))
    assess_all(Ids.named(patient_ids), now())


def assess_all(patient_ids: Sequence[uuid.UUID], at: datetime) -> int:
    """Most at once, and then those who need a closer look, fewer at a time."""
    if len(patient_ids) == 1:
        return _assess(patient_ids, at)
    looked, others = _pass_over(Ids.of_all(patient_ids), at)
    groups = [others[start : start + TOGETHER] for start in range(0, len(others), TOGETHER)]
    return looked + sum(_assess(group, at) for group in groups)


def _pass_over(patient_ids: Ids, at: datetime) -> tuple[int, Ids]:
    try:
        done = watch.pass_over(patient_ids, at)
        if done[0]:
            tallies.count(tallies.ASSESSMENTS, tallies.DONE, done[0])
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        if is_away(error):
            # No patient's fault. The tick finds the batch again.
            raise
        log.warning("a batch failed, each follows alone", batch=len(patient_ids), error=described(error))
        return 0, patient_ids
    return done


def _assess(patient_ids: Sequence[uuid.UUID], at: datetime) -> int:
    """All in one transaction; when it fails, each follows in one of its own, so that no patient stops the others."""
    try:
        looked = watch.assess(patient_ids, at)
        if looked:
            tallies.count(tallies.ASSESSMENTS, tallies.DONE, looked)
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        if is_away(error):
            raise
        if len(patient_ids) > 1:
            log.warning("a batch failed, each follows alone", batch=len(patient_ids), error=described(error))
            return sum(_assess([patient_id], at) for patient_id in patient_ids)
        # Recorded on the patient, shown by readyz, and logged (whose it is, the record alone says).
        log.error("an assessment failed", error=described(error))
        watch.record_failure(patient_ids[0], error, at)
        tallies.count(tallies.ASSESSMENTS, tallies.FAILED)
        db.session.commit()
        return 0
    return looked
