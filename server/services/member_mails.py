"""Getting a digest, an alarm or a word about the account out: claim it, send it, record it, as an alert's own email."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select, update

from server.errors import MailRefused
from server.extensions import db
from server.mail import AccountMail, AlarmMail, DigestMail
from server.models import AccountChange, Alert, AlertEmail, AlertState, EmailState, MemberMail, MemberMailKind
from server.queue import URGENT, enqueue
from server.services import leases
from server.services.routes import routing_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """One mail that is ours to send until the lease runs out."""

    mail_id: uuid.UUID
    token: uuid.UUID
    mail: DigestMail | AlarmMail | AccountMail


def send(mail: MemberMail, now: datetime) -> None:
    """Stores it with its job, in the caller's transaction."""
    mail.due_at = mail.queued_at = mail.created_at = now
    db.session.add(mail)
    db.session.flush()
    enqueue("deliver_to_member", db.session, priority=URGENT, clinic_id=str(mail.clinic_id), mail_id=str(mail.id))


def note_withheld(mail: MemberMail, now: datetime) -> None:
    """Stores that it was not to be sent."""
    mail.state, mail.due_at, mail.queued_at, mail.created_at = EmailState.WITHHELD, now, now, now
    db.session.add(mail)
    db.session.flush()


def claim(mail_id: uuid.UUID, now: datetime) -> Claim | None:
    """Takes the mail for this sender; None when it is sent, somebody else's, or its recipient has left."""
    row = leases.hold(MemberMail, mail_id)
    if row is None:
        return None
    if not row.member.active:
        leases.withhold(row)
        pass_on(row.id, now)
        return None
    if row.kind is MemberMailKind.DIGEST and routing_of(row.clinic_id).digest_due_at <= now:
        # After days without a way out it would go a moment before the next one, which counts the same and more.
        leases.withhold(row)
        return None
    return Claim(row.id, leases.lease(row), _mail(row))


def record_sent(claim: Claim, now: datetime) -> bool:
    """After the server's 250: the alerts that a digest counts were told by it."""
    if not leases.finish(MemberMail, claim.mail_id, claim.token, state=EmailState.SENT, sent_at=now, last_error=None):
        return False
    db.session.execute(
        update(AlertEmail)
        .where(AlertEmail.digest_id == claim.mail_id, AlertEmail.state == EmailState.IN_DIGEST)
        .values(state=EmailState.SENT, sent_at=now)
        .execution_options(synchronize_session=False)
    )
    return True


def record_refusal(claim: Claim, refusal: MailRefused, now: datetime) -> None:
    """A lasting refusal ends it."""
    mine = leases.put_off(MemberMail, claim.mail_id, claim.token, refusal.detail, now, lasting=refusal.lasting)
    if mine and refusal.lasting:
        pass_on(claim.mail_id, now)
    log.warning("a mail to a member was not sent", mail_id=claim.mail_id, refusal=refusal.detail)


def pass_on(mail_id: uuid.UUID, now: datetime) -> None:
    """What this digest would have told goes to the next person at once."""
    told = update(AlertEmail).where(
        AlertEmail.digest_id == mail_id, AlertEmail.state.in_((EmailState.IN_DIGEST, EmailState.SENT))
    )
    alerts = db.session.scalars(
        told.values(state=EmailState.UNDELIVERABLE, sent_at=None)
        .returning(AlertEmail.alert_id)
        .execution_options(synchronize_session=False)
    ).all()
    # In one order, as everybody who holds several.
    held = select(Alert).where(Alert.id.in_(alerts), Alert.state == AlertState.OPEN).order_by(Alert.id)
    for alert in db.session.scalars(held.with_for_update(of=Alert).execution_options(populate_existing=True)):
        alert.escalate_at, alert.escalate_queued_at = now, None
    db.session.flush()


_IN_WORDS = {
    AccountChange.EMAIL: "where mail to you goes",
    AccountChange.PASSWORD: "your password",
    AccountChange.SECOND_STEP_SET_UP: "a second step of your sign-in was set up",
    AccountChange.SECOND_STEP_REMOVED: "the second step of your sign-in was removed",
}


def _mail(row: MemberMail) -> DigestMail | AlarmMail | AccountMail:
    to, at = row.member.email, row.created_at.astimezone(ZoneInfo(row.member.clinic.zone))
    if row.kind is MemberMailKind.DIGEST:
        return DigestMail(row.id, to, row.urgent, row.prompt, row.routine, at)
    if row.changed is not None:
        return AccountMail(row.id, row.email_before or to, _IN_WORDS[row.changed], at)
    return AlarmMail(row.id, to, at, row.unrouted, row.undeliverable)
