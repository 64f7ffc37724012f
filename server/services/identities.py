"""Who is asking: sign-in, and the account behind a token."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from server.errors import SignInFailed
from server.extensions import db
from server.models import Member, Patient, Role
from server.services.codes import normal_code
from server.services.keys import email_index
from server.services.passwords import password_matches


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in, as every service takes it."""

    role: Role
    id: uuid.UUID
    clinic_id: uuid.UUID
    token_version: int


def of_member(member: Member) -> Identity:
    return Identity(Role(member.role), member.id, member.clinic_id, member.token_version)


def of_patient(patient: Patient) -> Identity:
    return Identity(Role.PATIENT, patient.id, patient.clinic_id, patient.token_version)


def sign_in_member(email: str, password: str) -> Identity:
    """Raises SignInFailed for every reason alike."""
    member = db.session.scalar(select(Member).where(Member.email_index == email_index(email)))
    if not password_matches(password, member.password_hash if member else None) or member is None or not member.active:
        raise SignInFailed("The email address or the password is wrong.")
    return of_member(member)


def sign_in_patient(code: str, password: str) -> Identity:
    """Raises SignInFailed for every reason alike."""
    patient = db.session.scalar(select(Patient).where(Patient.code == normal_code(code)))
    if (
        not password_matches(password, patient.password_hash if patient else None)
        or patient is None
        or not patient.active
    ):
        raise SignInFailed("The code or the password is wrong.")
    return of_patient(patient)


def behind(role: Role, account_id: uuid.UUID, token_version: int) -> Identity | None:
    """The account that a token names, as it is now; None once it was disabled, changed role or signed out."""
    if role is Role.PATIENT:
        patient = db.session.get(Patient, account_id)
        if patient is None or not patient.active:
            return None
        identity = of_patient(patient)
    else:
        member = db.session.get(Member, account_id)
        if member is None or not member.active:
            return None
        identity = of_member(member)
    return identity if identity.role is role and identity.token_version == token_version else None


def sign_out_everywhere(identity: Identity) -> None:
    """Every token that was given out so far stops working at its next use."""
    account: Patient | Member
    if identity.role is Role.PATIENT:
        account = db.session.get_one(Patient, identity.id)
    else:
        account = db.session.get_one(Member, identity.id)
    account.token_version += 1
    db.session.flush()
