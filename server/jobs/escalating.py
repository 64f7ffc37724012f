"""Escalate what nobody acknowledged, and write the digests: the tick says what is due, a job does it."""

import uuid
from datetime import datetime

import structlog

from server.extensions import db, now
from server.jobs.away import is_away
from server.logs import described
from server.queue import URGENT, enqueue
from server.queue import app as queue
from server.scope import clinics_with_due, enter
from server.services import digests, escalation

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BATCH = 100


def enqueue_escalations(at: datetime) -> int:
    return sum(_enqueue_escalations_in(clinic_id, at) for clinic_id in clinics_with_due("escalate", at))


def _enqueue_escalations_in(clinic_id: uuid.UUID, at: datetime) -> int:
    enter(clinic_id)
    due = [str(alert_id) for alert_id in sorted(escalation.claim_due(at))]
    for start in range(0, len(due), BATCH):
        ids = due[start : start + BATCH]
        enqueue("escalate", db.session, priority=URGENT, clinic_id=str(clinic_id), alert_ids=ids)
    return len(due)


def enqueue_digests(at: datetime) -> int:
    return sum(_enqueue_digest_of(clinic_id, at) for clinic_id in clinics_with_due("digest", at))


def _enqueue_digest_of(clinic_id: uuid.UUID, at: datetime) -> int:
    enter(clinic_id)
    if not digests.claim_due(at):
        return 0
    enqueue("digest", db.session, clinic_id=str(clinic_id))
    return 1


@queue.task(name="escalate")
def escalate(clinic_id: str, alert_ids: list[str]) -> None:
    """A transaction each: no alert stops the others."""
    enter(uuid.UUID(clinic_id))
    for alert_id in map(uuid.UUID, alert_ids):
        try:
            escalation.escalate(alert_id, now())
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            if is_away(error):
                # No alert's fault. The tick finds the batch again.
                raise
            log.error("an alert could not be escalated", alert_id=alert_id, error=described(error))
            escalation.put_off(alert_id, now())
            db.session.commit()


@queue.task(name="digest")
def digest(clinic_id: str) -> None:
    enter(uuid.UUID(clinic_id))
    digests.make(now())
    db.session.commit()
