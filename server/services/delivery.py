"""Getting one alert email out: claim it, send it, record it. At least once, and twice only in one window."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from server.errors import MailRefused
from server.extensions import db
from server.mail import AboutAlert, AlertMail, OutsideMail
from server.models import Alert, AlertEmail, CalledBecause, EmailState, EventKind, Withheld
from server.services import alarms, disclosures, leases, webhook_calls
from server.services.escalation import hurry
from server.services.recipients import why_not
from server.services.routes import routing_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """One email that is ours to send until the lease runs out."""

    email_id: uuid.UUID
    token: uuid.UUID
    mail: AboutAlert


def claim(email_id: uuid.UUID, now: datetime) -> Claim | None:
    """Takes the email for this sender; None when it is sent, somebody else's, or not to go to its recipient.

    Whether it may go is asked here, and not only when it was written.
    """
    email = leases.hold(AlertEmail, email_id)
    if email is None:
        return None
    email.withheld_why = why_not(email, now)
    if email.withheld_why is not None:
        leases.withhold(email)
        if email.withheld_why is Withheld.NOT_IN_CARE_TEAM:
            hurry(_held(email), now)
        return None
    return Claim(email.id, leases.lease(email), _mail(email))


def _mail(email: AlertEmail) -> AboutAlert:
    zone = ZoneInfo(email.alert.patient.clinic.zone)
    severity, at = email.event.severity, email.event.at.astimezone(zone)
    if email.consent is None:
        own = routing_of(email.clinic_id).escalation_email if email.to_clinic else None
        address = email.member.email if email.member is not None else own
        if address is None:
            raise RuntimeError("an email goes to a member, by a consent, or to the clinic's own address")
        if email.event.kind is not EventKind.ESCALATED:
            return AlertMail(email.id, email.alert_id, address, severity, at)
        raised_at = email.alert.raised_at.astimezone(zone)
        return AlertMail(email.id, email.alert_id, address, severity, raised_at, unacknowledged=True, at=at)
    to = email.consent
    if to.recipient_email is None or to.reference is None or to.expires_on is None:
        raise RuntimeError("an email outside names its consent, which names its recipient")
    return OutsideMail(email.id, to.reference, to.recipient_email, severity, at, to.expires_on)


def record_sent(claim: Claim, now: datetime) -> bool:
    """After the server's 250. False when the lease had passed to another sender: then that one records.

    What went outside goes on the ledger in the same transaction.
    """
    recorded = leases.finish(
        AlertEmail, claim.email_id, claim.token, state=EmailState.SENT, sent_at=now, last_error=None
    )
    if recorded and isinstance(claim.mail, OutsideMail):
        disclosures.record(_email(claim.email_id), now)
    return recorded


def record_refusal(claim: Claim, refusal: MailRefused, now: datetime) -> None:
    """Keeps the reason; any but a lasting refusal is tried again later."""
    mine = leases.put_off(AlertEmail, claim.email_id, claim.token, refusal.detail, now, lasting=refusal.lasting)
    if mine and refusal.lasting:
        undelivered(_email(claim.email_id), now)
    log.warning("an alert email was not sent", email_id=claim.email_id, refusal=refusal.detail)


def undelivered(email: AlertEmail, now: datetime) -> None:
    """It will not reach its recipient: the clinic's webhook is called, and the next person hears without waiting."""
    if email.consent_id is not None:
        return
    alert = _held(email)
    webhook_calls.call(email.event, CalledBecause.UNDELIVERABLE, now)
    if email.to_clinic:
        alarms.alarm(alert, now)
    else:
        hurry(alert, now)


def _held(email: AlertEmail) -> Alert:
    return db.session.get_one(Alert, email.alert_id, with_for_update={"of": Alert}, populate_existing=True)


def _email(email_id: uuid.UUID) -> AlertEmail:
    return db.session.get_one(AlertEmail, email_id, populate_existing=True)
