"""Deliver alert emails: each has its own job from the transaction that raised it; the tick brings back the rest."""

import uuid
from datetime import datetime

from server.errors import MailRefused
from server.extensions import db, now, parts
from server.mail import compose
from server.queue import URGENT, enqueue
from server.queue import app as queue
from server.scope import clinics_with_due, enter
from server.services import delivery


def enqueue_due(at: datetime) -> int:
    return sum(_enqueue_due_in(clinic_id, at) for clinic_id in clinics_with_due("deliver", at))


def _enqueue_due_in(clinic_id: uuid.UUID, at: datetime) -> int:
    enter(clinic_id)
    due = delivery.claim_due(at)
    for email_id in due:
        enqueue("deliver", db.session, priority=URGENT, clinic_id=str(clinic_id), email_id=str(email_id))
    return len(due)


@queue.task(name="deliver")
def deliver(clinic_id: str, email_id: str) -> None:
    """Claim, send, record: no transaction is open while the mail server makes us wait."""
    enter(uuid.UUID(clinic_id))
    claim = delivery.claim(uuid.UUID(email_id), now())
    db.session.commit()
    if claim is None:
        return
    settings = parts().settings
    try:
        parts().send(compose(claim.mail, sender=settings.mail_from, base_url=settings.base_url))
    except MailRefused as refusal:
        delivery.record_refusal(claim, refusal, now())
    else:
        delivery.record_sent(claim, now())
    db.session.commit()
