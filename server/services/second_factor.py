"""The second step of a member's sign-in: a code from an app (TOTP, RFC 6238), or one of the recovery codes."""

import hashlib
import hmac
import uuid
from datetime import datetime
from typing import Any

import pyotp
from sqlalchemy import any_, func, update

from server.errors import Conflict, MfaRequired, Refused
from server.extensions import db
from server.models import AccountChange, Ended, Member
from server.services.account_mails import tell_changed
from server.services.codes import new_code, normal_code
from server.services.identities import Identity
from server.services.passwords import password_matches
from server.services.sign_ins import Given, Lasting, hold_account, keep_only

SECONDS = 30
# A phone's clock may be this many steps off, either way.
STEPS_OFF = 1
RECOVERY_CODES = 10
RECOVERY_SYMBOLS = 12
ISSUER = "Interlude"
WRONG = ("mfa_code", "This code is wrong, or was used before.")


def check_second_factor(member_id: uuid.UUID, code: str | None, now: datetime) -> None:
    """After a right password. Raises MfaRequired unless the member has no second step, or this is its code."""
    member = db.session.get_one(Member, member_id)
    if member.totp_since is None:
        return
    if code is None:
        raise MfaRequired("Give the code of your second step, too.")
    if not _use(member, code, now):
        raise MfaRequired(WRONG[1])


def begin_enrolment(caller: Identity, password: str) -> dict[str, Any]:
    """A new secret, which asks for nothing until it is confirmed. Raises Refused for a wrong password, Conflict."""
    member = _member(caller, password)
    if member.totp_since is not None:
        raise Conflict("A second step is set up already. Remove it first.")
    member.totp, member.totp_step = pyotp.random_base32(), 0
    db.session.flush()
    uri = pyotp.TOTP(member.totp).provisioning_uri(name=member.email, issuer_name=ISSUER)
    return {"secret": member.totp, "uri": uri}


def confirm_enrolment(caller: Identity, code: str, lasting: Lasting, now: datetime) -> tuple[Given, list[str]]:
    """From here on a code is asked for: the recovery codes, shown this once, and a new pair for this device.

    Every other device is signed out, for it came in without a code. Raises Refused for a wrong code, Conflict.
    """
    member = _held(caller)
    if member.totp is None or member.totp_since is not None:
        raise Conflict("There is nothing to confirm. Begin with POST /v1/me/mfa.")
    if not _use_step(member, code, now):
        raise Refused(*WRONG)
    codes = enrol(member, member.totp, now)
    tell_changed(member, AccountChange.SECOND_STEP_SET_UP, now)
    return keep_only(member, caller, Ended.SECOND_STEP, lasting, now), codes


def enrol(member: Member, secret: str, now: datetime) -> list[str]:
    """Returns the recovery codes; of them only hashes are kept (each has 60 random bits)."""
    codes = [new_code(RECOVERY_SYMBOLS) for _ in range(RECOVERY_CODES)]
    if member.totp != secret:
        member.totp = secret
    member.totp_since, member.recovery_hashes = now, [_recovery_hash(code) for code in codes]
    db.session.flush()
    return codes


def remove(caller: Identity, password: str, code: str, now: datetime) -> None:
    """Raises Refused for a wrong password or code, Conflict when there is no second step."""
    member = _member(caller, password)
    if member.totp_since is None:
        raise Conflict("There is no second step to remove.")
    if not _use(member, code, now):
        raise Refused(*WRONG)
    forget(member, now)


def forget(member: Member, now: datetime) -> None:
    """The member signs in with the password alone, or only to set a second step up where one is required."""
    member.totp = member.totp_since = None
    member.recovery_hashes = []
    db.session.flush()
    tell_changed(member, AccountChange.SECOND_STEP_REMOVED, now)


def _member(caller: Identity, password: str) -> Member:
    member = db.session.get_one(Member, caller.id)
    if not password_matches(password, member.password_hash):
        raise Refused("password", "This is not your password.")
    return _held(caller)


def _held(caller: Identity) -> Member:
    account = hold_account(caller)
    if not isinstance(account, Member):
        raise TypeError("patients have no second step")
    return account


def _use(member: Member, code: str, now: datetime) -> bool:
    return _use_step(member, code, now) or _use_recovery_code(member, code)


def _use_step(member: Member, code: str, now: datetime) -> bool:
    """Whether it is the code of a step around now that was not used, nor one before it: the UPDATE compares."""
    if member.totp is None:
        return False
    step = _step_of(code, member.totp, now)
    if step is None:
        return False
    newer = update(Member).where(Member.id == member.id, Member.totp_step < step)
    return db.session.scalar(newer.values(totp_step=step).returning(Member.id)) is not None


def _step_of(code: str, secret: str, now: datetime) -> int | None:
    said, current, app = _bytes(code.replace(" ", "")), int(now.timestamp()) // SECONDS, pyotp.TOTP(secret)
    for step in range(current - STEPS_OFF, current + STEPS_OFF + 1):
        if hmac.compare_digest(_bytes(app.generate_otp(step)), said):
            return step
    return None


def _use_recovery_code(member: Member, code: str) -> bool:
    """Whether it is one of them; it is taken off the list by the same UPDATE."""
    hashed = _recovery_hash(code)
    holder = update(Member).where(Member.id == member.id, any_(Member.recovery_hashes) == hashed)
    taken = holder.values(recovery_hashes=func.array_remove(Member.recovery_hashes, hashed)).returning(Member.id)
    return db.session.scalar(taken.execution_options(synchronize_session=False)) is not None


def _recovery_hash(code: str) -> bytes:
    return hashlib.sha256(_bytes(normal_code(code))).digest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
