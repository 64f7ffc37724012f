"""Remind the patients whose time has come: the tick queues them in batches, a job decides, one job a phone sends."""

import uuid
from datetime import datetime

import structlog

from server.extensions import db, now
from server.jobs.away import is_away
from server.logs import described
from server.queue import LAST, enqueue
from server.queue import app as queue
from server.scope import clinics_with_due, enter
from server.services import reminders

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BATCH = 500


def enqueue_due(at: datetime) -> int:
    return sum(_enqueue_due_in(clinic_id, at) for clinic_id in clinics_with_due("remind", at))


def _enqueue_due_in(clinic_id: uuid.UUID, at: datetime) -> int:
    enter(clinic_id)
    due = [str(patient_id) for patient_id in sorted(reminders.claim_due(at))]
    for start in range(0, len(due), BATCH):
        enqueue("remind", db.session, clinic_id=str(clinic_id), patient_ids=due[start : start + BATCH])
    return len(due)


@queue.task(name="remind")
def remind(clinic_id: str, patient_ids: list[str]) -> None:
    """A transaction each: no patient stops the others."""
    enter(uuid.UUID(clinic_id))
    for patient_id in map(uuid.UUID, patient_ids):
        try:
            _decide(clinic_id, patient_id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            if is_away(error):
                # No patient's fault. The tick finds the batch again.
                raise
            log.error("a reminder could not be decided", error=described(error))
            reminders.put_off(patient_id, now())
            db.session.commit()


def _decide(clinic_id: str, patient_id: uuid.UUID) -> None:
    """The reminder is taken, and its phones are queued, in one transaction."""
    reminder = reminders.decide(patient_id, now())
    if reminder is None:
        return
    day, until = reminder.day.isoformat(), reminder.until.isoformat()
    for phone in reminder.phones:
        enqueue(
            "remind_phone", db.session, priority=LAST, clinic_id=clinic_id, sign_in_id=str(phone), day=day, until=until
        )
