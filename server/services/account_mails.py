"""Telling a member that their account was changed, by whomever: somebody else may have done it in their name."""

import uuid
from datetime import datetime

from server.clock import local_day
from server.models import AccountChange, Member, MemberMail, MemberMailKind
from server.services.member_mails import send


def tell_changed(member: Member, changed: AccountChange, now: datetime, email_before: str | None = None) -> None:
    """Stores the mail with its job, in the caller's transaction. It goes to `email_before`, if there was another."""
    clinic = member.clinic
    if not clinic.live:
        return
    # Its row says for which it is sealed.
    mail = MemberMail(id=uuid.uuid4(), kind=MemberMailKind.ACCOUNT, member_id=member.id, changed=changed)
    mail.day = local_day(now, clinic.zone, clinic.day_starts_at)
    mail.email_before = email_before
    send(mail, now)
