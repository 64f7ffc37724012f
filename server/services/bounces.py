"""What came back: the mail is marked, and so is its recipient's address, until somebody mends it."""

from datetime import datetime

from server.extensions import db
from server.mail.bounces import Bounced
from server.models import AlertEmail, EmailState, Member, MemberMail
from server.services import member_mails
from server.services.delivery import undelivered
from server.services.escalation import hurry_after
from server.services.routes import routing_of

CAME_BACK = (EmailState.QUEUED, EmailState.SENT)


def take(bounced: Bounced, now: datetime) -> bool:
    """Within the clinic that the session works for. False when it is about no mail of the clinic's.

    A bounce is easily forged: it must name a mail by its id, which only its recipient and the mail servers on its way
    have seen. A mailbox that forwards may bounce elsewhere, so whatever address it names the mail did not arrive, and
    the next person hears; the recipient's own address is marked only where it is the one. One that says "not yet" is
    known, and changes nothing.
    """
    email = db.session.get(AlertEmail, bounced.message_id, with_for_update={"of": AlertEmail}, populate_existing=True)
    if email is not None:
        return _take(email, _address_of(email), bounced, now)
    mail = db.session.get(MemberMail, bounced.message_id, with_for_update={"of": MemberMail}, populate_existing=True)
    return mail is not None and _take(mail, mail.member.email, bounced, now)


def _take(mail: AlertEmail | MemberMail, address: str | None, bounced: Bounced, now: datetime) -> bool:
    if not bounced.gave_up or mail.state not in CAME_BACK:
        return True
    # One that our own records still call queued was taken by a server all the same, for it came back.
    mail.state, mail.sent_at, mail.last_error = EmailState.BOUNCED, mail.sent_at or now, f"bounced {bounced.status}"
    mail.claim = mail.claimed_until = None
    if mail.member is not None and bounced.lasting and address == bounced.recipient.strip().lower():
        _mark(mail.member, bounced.status, now)
    db.session.flush()
    if isinstance(mail, AlertEmail):
        undelivered(mail, now)
    else:
        member_mails.pass_on(mail.id, now)
    return True


def _mark(member: Member, status: str, now: datetime) -> None:
    """Nobody is counted on to read what comes back: whatever waits for this member goes to the next person."""
    if member.bounced_at is None:
        member.bounced_at, member.bounce_status = now, status
        db.session.flush()
    hurry_after(member.id, now)


def _address_of(email: AlertEmail) -> str | None:
    if email.member is not None:
        return email.member.email
    if email.consent is not None:
        return email.consent.recipient_email
    return routing_of(email.clinic_id).escalation_email
