"""Sign-ins: what a device must present to be let in, how it gets its next tokens, and what ends it."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, update

from server.errors import Conflict, NotFound, PasswordNeeded, SignInFailed
from server.extensions import db
from server.models import Action, Ended, Member, Patient, Role, SignIn
from server.scope import enter
from server.services import audit
from server.services.holding import Held, held_in
from server.services.identities import Identity, account_of, of_account
from server.services.presenting import Presented, standing

# An answer that was lost is asked for again within this.
RETRY_WITHIN = timedelta(seconds=60)
# When a device was last used is written no more often than this: most requests write nothing.
NOTED_EVERY = timedelta(minutes=15)
# So long after the password was given, its owner is taken to be still there.
FRESH = timedelta(minutes=15)
# A sign-in that is over, for who looks up the device that an audited event names.
KEPT_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a sign-in lasts: while it is not used, and at the very most."""

    unused: timedelta
    at_most: timedelta


@dataclass(frozen=True, slots=True)
class Given:
    """What the next pair of tokens (or the cookie) is made of."""

    identity: Identity
    sign_in_id: uuid.UUID
    pair: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    identity: Identity
    account: Member | Patient | None
    """Keep it, and whoever asks for this row again asks no database. None for a patient: phones ask often."""
    noted: bool
    """Whether its use was written: to be committed at once, whatever the request then does."""
    language: str | None  # a patient's own
    held: Held | None = None
    """The patient's row, if it was asked for and nothing had to be written."""

    @property
    def must_enrol(self) -> bool:
        """Whether nothing may be done before a second step is set up."""
        return isinstance(self.account, Member) and self.account.must_enrol


def begin(identity: Identity, device: str | None, lasting: Lasting, now: datetime) -> Given:
    """A device signs in."""
    enter(identity.clinic_id)
    is_patient = identity.role is Role.PATIENT
    if is_patient:
        _find_still(identity.id)
    sign_in = SignIn(
        id=uuid.uuid4(),
        clinic_id=identity.clinic_id,
        patient_id=identity.id if is_patient else None,
        member_id=None if is_patient else identity.id,
        device=device,
        created_at=now,
    )
    given = _give(sign_in, identity, lasting, now)
    db.session.add(sign_in)
    db.session.flush()
    return given


def admit(presented: Presented, now: datetime, *, patient_held: bool = False) -> Admitted | None:
    """The account that presents an access token or a cookie, as it is now; None when it may not come in (any more).

    One statement, but for the first use of each pair and one use each quarter of an hour, which are written.
    `patient_held`: holds a patient's row by the same statement.
    """
    found = standing(presented, now, patient_held=patient_held)
    if found is None:
        return None
    sign_in, account, identity = found
    is_patient = identity.role is Role.PATIENT
    language, held = sign_in.language if is_patient else None, held_in(sign_in) if is_patient and patient_held else None
    admitted = Admitted(identity, account, False, language, held)
    shown = _hash(presented.pair)
    if shown == sign_in.previous_hash:
        return admitted
    if shown != sign_in.current_hash:
        return None
    awaits_retry = sign_in.retry_until is not None and now < sign_in.retry_until
    if not awaits_retry and now - sign_in.last_used_at < NOTED_EVERY:
        return admitted
    # The current pair arrived, so its answer was not lost. Should a retry have replaced it since we looked, it is void.
    noted = db.session.scalar(
        update(SignIn)
        .where(SignIn.id == presented.sign_in_id, SignIn.current_hash == shown, SignIn.ended_at.is_(None))
        .values(last_used_at=now, retry_until=None)
        .returning(SignIn.id)
    )
    return replace(admitted, noted=True, held=None) if noted else None


def rotate(presented: Presented, lasting: Lasting, now: datetime) -> Given | None:
    """The next pair for a refresh token, which works once; None when it is not good. Commit either way:

    a token that was used before ends the family, for one of the two who presented it is not its owner. But the answer
    may have been lost: for a short while, and as long as nothing of that answer was seen, it may come once more,
    which voids what that answer held.
    """
    found = standing(presented, now, held=True)
    if found is None:
        return None
    sign_in, _, identity = found
    shown = _hash(presented.pair)
    if shown == sign_in.current_hash:
        sign_in.previous_hash, sign_in.retry_until = shown, now + RETRY_WITHIN
    elif shown == sign_in.previous_hash and sign_in.retry_until is not None and now < sign_in.retry_until:
        sign_in.retry_until = None
    else:
        sign_in.ended_at, sign_in.ended_why = now, Ended.REUSED
        audit.record(Action.REFRESH_REUSED, identity, sign_in=sign_in.id)
        db.session.flush()
        return None
    given = _give(sign_in, identity, lasting, now)
    db.session.flush()
    return given


def hold_account(caller: Identity) -> Member | Patient:
    """The account of the caller, its row held. Raises Conflict when the caller was signed out meanwhile."""
    account = account_of(caller)
    db.session.refresh(account, with_for_update={"of": type(account), "key_share": True})
    if not account.active or account.token_version != caller.token_version:
        raise Conflict("You were signed out meanwhile. Sign in again.")
    return account


def renew(identity: Identity, sign_in_id: uuid.UUID, lasting: Lasting, now: datetime) -> Given:
    """A new pair in place of all that this device holds. Raises Conflict when it was signed out meanwhile."""
    sign_in = db.session.get_one(SignIn, sign_in_id, with_for_update={"key_share": True}, populate_existing=True)
    if sign_in.ended_at is not None:
        raise Conflict("You were signed out meanwhile. Sign in again.")
    sign_in.previous_hash = sign_in.retry_until = None
    given = _give(sign_in, identity, lasting, now)
    db.session.flush()
    return given


def keep_only(account: Member | Patient, caller: Identity, why: Ended, lasting: Lasting, now: datetime) -> Given:
    """A new pair for the device that asks; every other sign-in of the account, which is held, ends."""
    if caller.sign_in_id is None:
        raise Conflict("You were signed out meanwhile. Sign in again.")
    end_all(account, why, now, but=caller.sign_in_id)
    return renew(of_account(account), caller.sign_in_id, lasting, now)


def check_fresh(caller: Identity, now: datetime) -> None:
    """Raises PasswordNeeded unless this device has just signed in: one that was left so may be in other hands."""
    sign_in = db.session.get_one(SignIn, caller.sign_in_id)
    if now - sign_in.created_at > FRESH:
        raise PasswordNeeded("Sign in again with your password, and ask with the new token.")


def devices(caller: Identity, now: datetime) -> list[dict[str, Any]]:
    """Where the account is signed in, the last used first."""
    found = _live(caller, now).order_by(SignIn.last_used_at.desc(), SignIn.created_at.desc(), SignIn.id)
    return [
        {
            "id": sign_in.id,
            "device": sign_in.device,
            "signed_in_at": sign_in.created_at,
            "last_used_at": sign_in.last_used_at,
            "current": sign_in.id == caller.sign_in_id,
        }
        for sign_in in db.session.scalars(found)
    ]


def sign_out(caller: Identity, why: Ended, now: datetime) -> None:
    """The device that asks; signed out already, it stays so."""
    own = update(SignIn).where(SignIn.id == caller.sign_in_id, SignIn.ended_at.is_(None))
    db.session.execute(own.values(ended_at=now, ended_why=why))
    audit.record(Action.SIGN_OUT, caller)


def revoke(caller: Identity, sign_in_id: uuid.UUID, now: datetime) -> None:
    """One of the caller's own devices. Raises NotFound, alike for another's, the missing and the ended."""
    sign_in = db.session.scalar(_live(caller, now).where(SignIn.id == sign_in_id).with_for_update(key_share=True))
    if sign_in is None:
        raise NotFound("There is no such device.")
    sign_in.ended_at = now
    sign_in.ended_why = Ended.SIGNED_OUT if sign_in_id == caller.sign_in_id else Ended.REVOKED
    audit.record(Action.DEVICE_REVOKED, caller, sign_in=sign_in_id)
    db.session.flush()


def end_all(account: Member | Patient, why: Ended, now: datetime, *, but: uuid.UUID | None = None) -> None:
    """All sign-ins of an account end, but for one; its tokens stop working at their next use.

    The version holds off a sign-in that is under way: it knows the old password, and has no row yet.
    """
    kind = type(account)
    db.session.execute(update(kind).where(kind.id == account.id).values(token_version=kind.token_version + 1))
    ending = update(SignIn).where(_of(account), SignIn.ended_at.is_(None))
    if but is not None:
        ending = ending.where(SignIn.id != but)
    db.session.execute(ending.values(ended_at=now, ended_why=why))


def forget(now: datetime) -> None:
    """The clinic's sign-ins that were over for long. A token of one that is gone gets what it got before: nothing."""
    over = delete(SignIn).where(func.coalesce(SignIn.ended_at, SignIn.ends_at) < now - KEPT_FOR)
    db.session.execute(over.execution_options(synchronize_session=False))


def _find_still(patient_id: uuid.UUID) -> None:
    """Raises SignInFailed for who was erased since the password was looked at."""
    there = select(Patient.id).where(Patient.id == patient_id).with_for_update(read=True, key_share=True)
    if db.session.scalar(there) is None:
        raise SignInFailed("The code or the password is wrong.")


def _give(sign_in: SignIn, identity: Identity, lasting: Lasting, now: datetime) -> Given:
    pair = secrets.token_urlsafe(16)
    sign_in.current_hash = _hash(pair)
    sign_in.last_used_at = now
    sign_in.ends_at = min(now + lasting.unused, sign_in.created_at + lasting.at_most)
    return Given(identity, sign_in.id, pair, sign_in.ends_at)


def _live(caller: Identity, now: datetime) -> Select[SignIn]:
    owner = SignIn.patient_id if caller.role is Role.PATIENT else SignIn.member_id
    return select(SignIn).where(owner == caller.id, SignIn.ended_at.is_(None), SignIn.ends_at > now)


def _of(account: Member | Patient) -> ColumnElement[bool]:
    return SignIn.patient_id == account.id if isinstance(account, Patient) else SignIn.member_id == account.id


def _hash(pair: str) -> bytes:
    return hashlib.sha256(pair.encode(errors="surrogatepass")).digest()
