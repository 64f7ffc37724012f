"""Hold what is remembered of patients against their diaries: of each clinic a seventh a day, in the background."""

import uuid
from datetime import datetime

import structlog

from server.extensions import db, now
from server.queue import LAST, enqueue
from server.queue import app as queue
from server.scope import enter, every_clinic
from server.services import tallies, verifying

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BATCH = 1000


def enqueue_verifying(at: datetime) -> int:
    """One job for each clinic."""
    clinics = every_clinic()
    for clinic_id in clinics:
        enter(clinic_id)
        part = at.toordinal() % verifying.PARTS
        enqueue("verify_standings", db.session, priority=LAST, clinic_id=str(clinic_id), part=part)
    return len(clinics)


@queue.task(name="verify_standings")
def verify_standings(clinic_id: str, part: int) -> None:
    """A batch at a time, and of what is not right a transaction of its own, which holds it."""
    enter(uuid.UUID(clinic_id))
    after = uuid.UUID(int=0)
    while ids := verifying.remembered(part, after, BATCH):
        suspects = verifying.suspects(ids)
        db.session.commit()
        wrong = verifying.mend(suspects, now()) if suspects else 0
        if wrong:
            # A defect, ours or the machine's: it is mended, and somebody should look for it.
            log.error("what was remembered of patients is not what their diaries say", batch=wrong)
            tallies.count(tallies.STANDINGS, tallies.WRONG, wrong)
        tallies.count(tallies.STANDINGS, tallies.RIGHT, len(ids) - wrong)
        db.session.commit()
        after = ids[-1]
