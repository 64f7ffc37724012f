"""Deliver mails and calls: each has its own job from the transaction that raised it; the tick brings back the rest."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from server.errors import MailRefused, WebhookRefused
from server.extensions import db, now, parts
from server.mail import compose
from server.models import AlertEmail, MemberMail, WebhookCall
from server.queue import URGENT, enqueue
from server.queue import app as queue
from server.scope import clinics_with_due, enter
from server.services import delivery, leases, member_mails, webhook_calls
from server.webhooks import post_webhook

Claim = TypeVar("Claim", delivery.Claim, member_mails.Claim)


def enqueue_due(at: datetime) -> int:
    return sum(_enqueue_due_in(clinic_id, at) for clinic_id in set(clinics_with_due("deliver", at)))


def _enqueue_due_in(clinic_id: uuid.UUID, at: datetime) -> int:
    enter(clinic_id)
    due = [
        *(("deliver", "email_id", row) for row in leases.claim_due(AlertEmail, "deliver", "email_id", at)),
        *(
            ("deliver_to_member", "mail_id", row)
            for row in leases.claim_due(MemberMail, "deliver_to_member", "mail_id", at)
        ),
        *(("call_webhook", "call_id", row) for row in leases.claim_due(WebhookCall, "call_webhook", "call_id", at)),
    ]
    for job, arg, row_id in due:
        enqueue(job, db.session, priority=URGENT, clinic_id=str(clinic_id), **{arg: str(row_id)})
    return len(due)


@queue.task(name="deliver")
def deliver(clinic_id: str, email_id: str) -> None:
    """Claim, send, record: no transaction is open while the mail server makes us wait."""
    enter(uuid.UUID(clinic_id))
    _mail(delivery.claim(uuid.UUID(email_id), now()), delivery.record_sent, delivery.record_refusal)


@queue.task(name="deliver_to_member")
def deliver_to_member(clinic_id: str, mail_id: str) -> None:
    """The same for a mail to a member that is no alert's own."""
    enter(uuid.UUID(clinic_id))
    _mail(member_mails.claim(uuid.UUID(mail_id), now()), member_mails.record_sent, member_mails.record_refusal)


def _mail(
    claim: Claim | None,
    record_sent: Callable[[Claim, datetime], bool],
    record_refusal: Callable[[Claim, MailRefused, datetime], None],
) -> None:
    db.session.commit()
    if claim is None:
        return
    settings = parts().settings
    try:
        parts().send(compose(claim.mail, sender=settings.mail_from, base_url=settings.base_url))
    except MailRefused as refusal:
        record_refusal(claim, refusal, now())
    else:
        record_sent(claim, now())
    db.session.commit()


@queue.task(name="call_webhook")
def call_webhook(clinic_id: str, call_id: str) -> None:
    """The same for the second channel."""
    enter(uuid.UUID(clinic_id))
    claim = webhook_calls.claim(uuid.UUID(call_id), parts().settings.base_url)
    db.session.commit()
    if claim is None:
        return
    try:
        post_webhook(claim.to, claim.message, parts().settings, now())
    except WebhookRefused as refused:
        webhook_calls.record_refusal(claim, refused, now())
    else:
        webhook_calls.record_sent(claim, now())
    db.session.commit()
