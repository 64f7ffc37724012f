"""Push one reminder to one phone. The worker alone imports this, for what sends brings a large library along."""

import uuid
from datetime import date, datetime

import structlog
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from server.errors import PushAddressGone, PushRefused
from server.extensions import db, now, parts
from server.push import reminder
from server.push.sending import push
from server.queue import app as queue
from server.scope import enter
from server.services import push_addresses, reminders
from server.services.push_addresses import Claimed

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# Half a minute later, then 2, 8 and 32: within the time for which a reminder is of use.
FIRST_PAUSE_SECONDS, TIMES_LONGER, MOST_RETRIES = 30, 4, 4


class Later(BaseRetryStrategy):
    """No sooner than the service asks. Whatever went wrong: what may have been sent is claimed, and not sent again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= MOST_RETRIES:
            return None
        asked = exception.after if isinstance(exception, PushRefused) else 0
        return RetryDecision(retry_in={"seconds": max(FIRST_PAUSE_SECONDS * TIMES_LONGER**job.attempts, asked)})


@queue.task(name="remind_phone", retry=Later())
def remind_phone(clinic_id: str, sign_in_id: str, day: str, until: str) -> None:
    """Claim, send, record: no transaction is open while the service makes us wait."""
    enter(uuid.UUID(clinic_id))
    of, ends = date.fromisoformat(day), datetime.fromisoformat(until)
    claimed = _claim(uuid.UUID(sign_in_id), of, ends)
    if claimed is None:
        return
    message = reminder(claimed.patient.language)
    db.session.commit()
    try:
        push(claimed.address, message, ends, parts().settings, now())
    except PushAddressGone:
        push_addresses.drop(claimed)
        db.session.commit()
    except PushRefused as refused:
        log.warning("a reminder was not sent", refusal=refused.detail)
        if refused.again:
            push_addresses.release(claimed, of)
            db.session.commit()
            raise


def _claim(sign_in_id: uuid.UUID, day: date, until: datetime) -> Claimed | None:
    """None when it is too late, or not wanted any more: somebody may have checked in since it was queued."""
    if now() >= until:
        return None
    claimed = push_addresses.claim(sign_in_id, day, now())
    if claimed is None or not reminders.is_wanted(claimed.patient, day):
        db.session.rollback()
        return None
    return claimed
