"""The second channel: a signed call to the clinic's webhook when mail does not bring an alert to anybody."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select

from server.errors import WebhookRefused
from server.extensions import db
from server.models import AlertEvent, AlertState, CalledBecause, EmailState, Routing, WebhookCall
from server.queue import URGENT, enqueue
from server.services import leases
from server.services.routes import routing_of
from server.webhooks import Webhook, WebhookMessage

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """One call that is ours to make until the lease runs out."""

    call_id: uuid.UUID
    token: uuid.UUID
    to: Webhook
    message: WebhookMessage


def call(event: AlertEvent, because: CalledBecause, now: datetime) -> None:
    """Stores the call with its job, if the clinic has a webhook; once for each event and reason."""
    clinic = event.alert.patient.clinic
    if not clinic.live or routing_of(clinic.id).webhook_url_sealed is None:
        return
    known = select(WebhookCall.id).where(WebhookCall.event_id == event.id, WebhookCall.because == because)
    if db.session.scalar(known) is not None:
        return
    made = WebhookCall(
        alert_id=event.alert_id, event_id=event.id, because=because, due_at=now, queued_at=now, created_at=now
    )
    db.session.add(made)
    db.session.flush()
    enqueue("call_webhook", db.session, priority=URGENT, clinic_id=str(clinic.id), call_id=str(made.id))


def claim(call_id: uuid.UUID, base_url: str) -> Claim | None:
    """Takes the call; None when it is made, somebody else's, or wanted no more."""
    row = leases.hold(WebhookCall, call_id)
    if row is None:
        return None
    to = _webhook(db.session.get_one(Routing, row.clinic_id))
    if to is None or row.alert.state is not AlertState.OPEN:
        # Somebody has the alert, or the clinic took its webhook away: there is nothing to tell, or nobody.
        leases.withhold(row)
        return None
    url = f"{base_url}/alerts/{row.alert_id}"
    message = WebhookMessage(row.id, row.because, row.alert.severity, row.alert.raised_at, url)
    return Claim(row.id, leases.lease(row), to, message)


def record_sent(claim: Claim, now: datetime) -> bool:
    return leases.finish(WebhookCall, claim.call_id, claim.token, state=EmailState.SENT, sent_at=now, last_error=None)


def record_refusal(claim: Claim, refused: WebhookRefused, now: datetime) -> None:
    leases.put_off(
        WebhookCall, claim.call_id, claim.token, refused.detail, now, lasting=refused.lasting, after=refused.after
    )
    log.warning("a webhook was not called", call_id=claim.call_id, refusal=refused.detail)


def _webhook(routing: Routing) -> Webhook | None:
    url, secret = routing.webhook_url, routing.webhook_secret
    return None if url is None or secret is None else Webhook(url, secret)
