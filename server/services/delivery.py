"""Getting one alert email out: claim it, send it, record it. At least once, and twice only in one window."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import and_, func, or_, select, update

from server.errors import MailRefused
from server.extensions import db
from server.mail import AboutAlert, AlertMail, OutsideMail
from server.models import AlertEmail, EmailState
from server.queue import waiting_for
from server.services import disclosures
from server.services.recipients import why_not

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# Longer than one send can take (each step of an SMTP conversation has a timeout), so a lease that ran out
# belongs to a sender that died or froze.
LEASE = timedelta(minutes=5)
# A job that is neither done nor waiting after this long was lost: the queue may lose one, we may not.
LOST = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """One email that is ours to send until the lease runs out."""

    email_id: uuid.UUID
    token: uuid.UUID
    mail: AboutAlert


def claim(email_id: uuid.UUID, now: datetime) -> Claim | None:
    """Takes the email for this sender; None when it is sent, somebody else's, or not to go to its recipient.

    Whoever put the job on the queue knew that it was due; the clock of this machine has no say in that. Whether it may
    go is asked here, and not only when it was written.
    """
    email = db.session.scalar(
        select(AlertEmail)
        .where(
            AlertEmail.id == email_id,
            AlertEmail.state == EmailState.QUEUED,
            or_(AlertEmail.claimed_until.is_(None), AlertEmail.claimed_until < func.now()),
        )
        .with_for_update(of=AlertEmail, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if email is None:
        return None
    email.withheld_why = why_not(email, now)
    if email.withheld_why is not None:
        email.state, email.claim, email.claimed_until = EmailState.WITHHELD, None, None
        return None
    token = uuid.uuid4()
    db.session.execute(
        update(AlertEmail)
        .where(AlertEmail.id == email_id)
        .values(claim=token, claimed_until=func.now() + LEASE, attempts=AlertEmail.attempts + 1)
    )
    return Claim(email.id, token, _mail(email))


def _mail(email: AlertEmail) -> AboutAlert:
    severity, raised_at = email.event.severity, email.event.at.astimezone(ZoneInfo(email.alert.patient.clinic.zone))
    if email.member is not None:
        return AlertMail(email.id, email.alert_id, email.member.email, severity, raised_at)
    to = email.consent
    if to is None or to.recipient_email is None or to.reference is None or to.expires_on is None:
        raise RuntimeError("an email outside names its consent, which names its recipient")
    return OutsideMail(email.id, to.reference, to.recipient_email, severity, raised_at, to.expires_on)


def record_sent(claim: Claim, now: datetime) -> bool:
    """After the server's 250. False when the lease had passed to another sender: then that one records.

    What went outside goes on the ledger in the same transaction.
    """
    recorded = _finish(claim, state=EmailState.SENT, sent_at=now, last_error=None)
    if recorded and isinstance(claim.mail, OutsideMail):
        disclosures.record(db.session.get_one(AlertEmail, claim.email_id, populate_existing=True), now)
    return recorded


def record_refusal(claim: Claim, refusal: MailRefused, now: datetime) -> None:
    """Keeps the reason; a lasting refusal ends here and shows in readyz, any other is tried again later."""
    attempts = db.session.scalar(select(AlertEmail.attempts).where(AlertEmail.id == claim.email_id)) or 1
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), LONGEST_PAUSE)
    # Half of it is chance, so that a server that comes back is not met by everything at once.
    pause = pause / 2 + pause / 2 * random.random()  # noqa: S311  # nosec B311  # chance, not a secret
    _finish(
        claim,
        state=EmailState.UNDELIVERABLE if refusal.lasting else EmailState.QUEUED,
        due_at=now + pause,
        last_error=refusal.detail,
    )
    log.warning("an alert email was not sent", email_id=claim.email_id, refusal=refusal.detail)


def _finish(claim: Claim, **values: object) -> bool:
    written = db.session.scalar(
        update(AlertEmail)
        .where(AlertEmail.id == claim.email_id, AlertEmail.claim == claim.token)
        .values(claim=None, claimed_until=None, **values)
        .returning(AlertEmail.id)
        .execution_options(synchronize_session=False)
    )
    return written is not None


def claim_due(now: datetime) -> Sequence[uuid.UUID]:
    """Marks the clinic's emails whose time to try again has come, or whose job was lost, and returns them."""
    due = (
        select(AlertEmail.id)
        .where(
            AlertEmail.state == EmailState.QUEUED,
            AlertEmail.due_at <= now,
            or_(AlertEmail.claimed_until.is_(None), AlertEmail.claimed_until < func.now()),
            or_(
                # Its time to try again has come,
                AlertEmail.queued_at < AlertEmail.due_at,
                # or its sender died or its job is nowhere, and no other job waits.
                and_(
                    or_(AlertEmail.claimed_until.is_not(None), AlertEmail.queued_at < now - LOST),
                    ~waiting_for("deliver", "email_id", AlertEmail.id),
                ),
            ),
        )
        .with_for_update(skip_locked=True)
    )
    return db.session.scalars(
        update(AlertEmail)
        .where(AlertEmail.id.in_(due))
        .values(queued_at=now)
        .returning(AlertEmail.id)
        .execution_options(synchronize_session=False)
    ).all()
