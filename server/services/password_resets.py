"""A member who forgot the password gets a link by mail, and sets another. Patients get a new invite instead.

Whoever asks is answered before anybody looks whether there is such a member: asking counts the attempt and puts a job
on the queue, for any address alike. The job finds the member, makes the link and mails it.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from server.errors import Refused
from server.extensions import db
from server.mail import ResetMail
from server.models import AccountChange, Action, Actor, Ended, Member, PasswordReset
from server.origin import Origin
from server.queue import URGENT, enqueue
from server.scope import NOWHERE, clinic_of_member, clinic_of_reset, enter
from server.services import audit
from server.services.account_mails import tell_changed
from server.services.identities import known_of, of_member
from server.services.keys import email_index
from server.services.passwords import check_password, hash_password
from server.services.sign_ins import end_all
from server.services.throttle import Scope, count_attempt, email_account

LIFE = timedelta(minutes=30)
# However often somebody asks, a member gets no more mails than this, and a fresh link stays good for as long.
AGAIN_AFTER = timedelta(minutes=5)
TOKEN_BYTES = 32
# Not what it might be: whoever has the link may know no more than that it does not work.
NO_LINK = ("token", "This link is unknown, used or expired. Ask for a new one; the newest mail's works.")


@dataclass(frozen=True, slots=True)
class Link:
    """One that was just made: it is in the mail, and nowhere else."""

    member_id: uuid.UUID
    token_hash: bytes
    mail: ResetMail


def ask(email: str, origin: Origin, now: datetime) -> None:
    """The same for every address. Raises TooMany."""
    count_attempt(Scope.RESET, email_account(email), origin, now)
    index = email_index(email).hex()
    enqueue("mail_reset", db.session, priority=URGENT, email_index=index, asked_at=now.isoformat())


def make_link(index: bytes, asked_at: datetime, now: datetime) -> Link | None:
    """A new link in place of the one before; None when nobody is to be mailed (any more)."""
    if now - asked_at > LIFE:
        return None
    enter(clinic_of_member(index) or NOWHERE)
    member = db.session.scalar(select(Member).where(Member.email_index == index, Member.active))
    if member is None:
        return None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    if not _put(member, _hash(token), now):
        return None
    zone = ZoneInfo(member.clinic.zone)
    mail = ResetMail(uuid.uuid4(), member.email, token, now.astimezone(zone), (now + LIFE).astimezone(zone))
    return Link(member.id, _hash(token), mail)


def record_sent(link: Link, now: datetime) -> None:
    """After the server's 250."""
    own = update(PasswordReset).where(
        PasswordReset.member_id == link.member_id, PasswordReset.token_hash == link.token_hash
    )
    db.session.execute(own.values(sent_at=now))
    audit.record(Action.PASSWORD_RESET_MAILED, Actor.SERVICE, member=link.member_id)


def redeem(token: str, password: str, origin: Origin, now: datetime) -> None:
    """The member's password is this one, and all sign-ins have ended. The second step is asked for as before.

    Raises Refused for a link that is unknown, used or expired, alike, and for a weak password; TooMany, Busy.
    """
    count_attempt(Scope.RESET, None, origin, now)
    password_hash = hash_password(password, ())
    token_hash = _hash(token)
    enter(clinic_of_reset(token_hash) or NOWHERE)
    used = db.session.execute(
        delete(PasswordReset)
        .where(PasswordReset.token_hash == token_hash, PasswordReset.expires_at > now)
        .returning(PasswordReset.member_id, PasswordReset.token_version)
    ).one_or_none()
    if used is None:
        raise Refused(*NO_LINK)
    held = {"of": Member, "key_share": True}
    member = db.session.get_one(Member, used.member_id, with_for_update=held, populate_existing=True)
    if not member.active or member.token_version != used.token_version:
        raise Refused(*NO_LINK)
    check_password(password, known_of(member))
    member.password_hash = password_hash
    db.session.flush()
    end_all(member, Ended.PASSWORD_CHANGED, now)
    tell_changed(member, AccountChange.PASSWORD, now)
    audit.record(Action.PASSWORD_RESET, of_member(member))


def _put(member: Member, token_hash: bytes, now: datetime) -> bool:
    """False when the member was mailed a link just now, which is still good."""
    values = {
        "token_hash": token_hash,
        "token_version": member.token_version,
        "expires_at": now + LIFE,
        "sent_at": None,
    }
    old_enough = or_(
        PasswordReset.sent_at.is_(None),
        PasswordReset.sent_at <= now - AGAIN_AFTER,
        # Our clock went back.
        PasswordReset.sent_at > now,
        PasswordReset.token_version != member.token_version,
    )
    put = (
        insert(PasswordReset)
        .values(member_id=member.id, **values)
        .on_conflict_do_update(index_elements=["member_id"], set_=values, where=old_enough)
        .returning(PasswordReset.member_id)
    )
    return db.session.scalar(put) is not None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
