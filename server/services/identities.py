"""Who is asking: an account, and the password that it signs in with."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from server.errors import SignInFailed
from server.extensions import db
from server.models import Member, Patient, Role
from server.origin import Origin
from server.scope import NOWHERE, clinic_of_member, clinic_of_patient, enter
from server.services.codes import normal_code
from server.services.keys import email_index
from server.services.passwords import password_matches
from server.services.throttle import Scope, code_account, count_attempt, email_account


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in, as every service takes it."""

    role: Role
    id: uuid.UUID
    clinic_id: uuid.UUID
    token_version: int
    sign_in_id: uuid.UUID | None = None
    """The device that asks; None when nobody is signed in, as in a command."""


def of_member(member: Member) -> Identity:
    return Identity(Role(member.role), member.id, member.clinic_id, member.token_version)


def of_patient(patient: Patient) -> Identity:
    return Identity(Role.PATIENT, patient.id, patient.clinic_id, patient.token_version)


def of_account(account: Member | Patient) -> Identity:
    return of_patient(account) if isinstance(account, Patient) else of_member(account)


def account_of(identity: Identity) -> Member | Patient:
    """A member's costs no statement in a request: its guard has read the row, and keeps it."""
    if identity.role is Role.PATIENT:
        return db.session.get_one(Patient, identity.id)
    return db.session.get_one(Member, identity.id)


def known_of(account: Member | Patient) -> tuple[str, ...]:
    """What others know of its owner, and so what no password is made of."""
    return (account.code,) if isinstance(account, Patient) else (account.email, account.name)


def sign_in_member(email: str, password: str, origin: Origin, now: datetime) -> Identity:
    """Raises SignInFailed for every reason alike; TooMany, Busy."""
    count_attempt(Scope.SIGN_IN, email_account(email), origin, now)
    index = email_index(email)
    enter(clinic_of_member(index) or NOWHERE)
    member = db.session.scalar(select(Member).where(Member.email_index == index))
    if not password_matches(password, member.password_hash if member else None) or member is None or not member.active:
        raise SignInFailed("The email address or the password is wrong.")
    return of_member(member)


def sign_in_patient(code: str, password: str, origin: Origin, now: datetime) -> Identity:
    """Raises SignInFailed for every reason alike; TooMany, Busy."""
    count_attempt(Scope.SIGN_IN, code_account(code), origin, now)
    code = normal_code(code)
    enter(clinic_of_patient(code) or NOWHERE)
    patient = db.session.scalar(select(Patient).where(Patient.code == code))
    if (
        not password_matches(password, patient.password_hash if patient else None)
        or patient is None
        or not patient.active
    ):
        raise SignInFailed("The code or the password is wrong.")
    return of_patient(patient)
