"""One's own account."""

from datetime import datetime
from typing import Any

from server.errors import Refused
from server.extensions import db
from server.models import PATIENT_HELD, AccountChange, Ended, Member, Patient, Role
from server.services import reminders, sign_ins
from server.services.account_mails import tell_changed
from server.services.changes import profile_changed
from server.services.identities import Identity, account_of, known_of
from server.services.looks import look_by_end_of_day
from server.services.passwords import hash_password, password_matches
from server.services.sign_ins import Given, Lasting
from server.services.zones import travelled


def profile(caller: Identity) -> dict[str, Any]:
    if caller.role is Role.PATIENT:
        patient = db.session.get_one(Patient, caller.id)
        return {
            "id": patient.id,
            "role": caller.role,
            "clinic": patient.clinic.name,
            "code": patient.code,
            "zone": patient.zone,
            "language": patient.language,
            "region": patient.region,
            "reminder_time": patient.reminder_time,
        }
    member = db.session.get_one(Member, caller.id)
    return {
        "id": member.id,
        "role": caller.role,
        "clinic": member.clinic.name,
        "name": member.name,
        "email": member.email,
        "mfa": member.totp_since is not None,
        "zone": member.clinic.zone,
    }


def change_own(caller: Identity, fields: dict[str, Any], now: datetime) -> None:
    """A patient's own zone, language and reminder time. Raises Refused for an unknown zone."""
    patient = db.session.get_one(Patient, caller.id, with_for_update=PATIENT_HELD, populate_existing=True)
    if "zone" in fields:
        travelled(patient, fields["zone"], now)
        look_by_end_of_day(patient, now)
    if "reminder_time" in fields:
        reminders.set_time(patient, fields["reminder_time"], now)
    if "language" in fields:
        patient.language = fields["language"]
    profile_changed(patient, *fields.keys() - {"zone"})
    db.session.flush()


def change_password(caller: Identity, password: str, new_password: str, lasting: Lasting, now: datetime) -> Given:
    """New tokens for the device that asks; every other sign-in ends.

    Raises Refused for a wrong or a weak password, Conflict when the account was signed out meanwhile.
    """
    account = account_of(caller)
    if not password_matches(password, account.password_hash):
        raise Refused("password", "This is not your password.")
    new_hash = hash_password(new_password, known_of(account), "new_password")
    # Hashing takes its time: only now is the row held, and found as it was.
    account = sign_ins.hold_account(caller)
    account.password_hash = new_hash
    if isinstance(account, Member):
        tell_changed(account, AccountChange.PASSWORD, now)
    return sign_ins.keep_only(account, caller, Ended.PASSWORD_CHANGED, lasting, now)
