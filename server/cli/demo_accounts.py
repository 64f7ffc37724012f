"""Who can sign in to the demo clinic, by which password, and whose bad evening mails somebody."""

import hashlib
import hmac
from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, or_, select

from server.cli.simulated import STORIES
from server.extensions import db, parts
from server.models import Alert, AlertState, CheckIn, Clinic, Member, Patient, Role, Watch
from server.services.keys import email_index
from server.services.own_days import days_of
from server.services.passwords import password_matches

ADMIN_EMAIL = "alice@demo.example"
MEMBERS = (
    (Role.CLINICIAN, "Bob Okafor", "bob@demo.example"),
    (Role.CLINICIAN, "Dana Ruiz", "dana@demo.example"),
    (Role.ADMIN, "Alice Meyer", ADMIN_EMAIL),
)
BAD_EVENING = "craving_severe"


def demo_password(of: str) -> str:
    """What this account signs in with: nobody can tell it without DEMO_SECRET, and it need not be kept."""
    text = b32encode(_derived(of))[:16].decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def totp_secret(email: str) -> str:
    """Of the second step that an admin must have: nobody can tell it without DEMO_SECRET."""
    return b32encode(_derived(f"second step of {email}")[:20]).decode()


def accounts_of(clinic: Clinic, now: datetime) -> list[dict[str, Any]]:
    """Those that a password of the demo's opens: not whoever is disabled, or has another one by now."""
    emails = [email for _, _, email in MEMBERS]
    members = [_member(db.session.scalar(_known_as(email)), email) for email in emails]
    patients = [_patient(patient, now) for patient in _simulated(clinic) if _opens(patient, patient.code)]
    return [member for member in members if member] + patients


def _known_as(email: str) -> Select[Member]:
    return select(Member).where(Member.email_index == email_index(email))


def _simulated(clinic: Clinic) -> Sequence[Patient]:
    """Those that came with the clinic. Whoever came later chose a password, and to try ours on each would take long."""
    came_with_it = Patient.created_at <= clinic.created_at + timedelta(seconds=len(STORIES))
    found = select(Patient).where(Patient.clinic_id == clinic.id, came_with_it)
    return db.session.scalars(found.order_by(Patient.created_at, Patient.id)).all()


def _opens(account: Member | Patient, known_as: str) -> bool:
    return account.active and password_matches(demo_password(known_as), account.password_hash)


def _member(member: Member | None, email: str) -> dict[str, Any]:
    if member is None or not _opens(member, email):
        return {}
    said = {"role": str(member.role), "email": email, "password": demo_password(email)}
    if member.totp_since and member.totp == totp_secret(email):
        said["totp_secret"] = totp_secret(email)
    return said


def _patient(patient: Patient, now: datetime) -> dict[str, Any]:
    return {
        "role": "patient",
        "code": patient.code,
        "password": demo_password(patient.code),
        "zone": patient.zone,
        "would_mail": _would_mail(patient, now),
    }


def _would_mail(patient: Patient, now: datetime) -> bool:
    """Whether a check-in with a craving of 10 is news now.

    It is none while its alert waits for somebody, and none on a day that has its check-in; and what nobody has looked
    at yet (we were stopped at that moment) may raise that alert as soon as somebody does.
    """
    today = days_of(patient, now).today
    if patient.withdrawn_at or (patient.monitored_until and patient.monitored_until < today):
        return False
    waits = select(Alert.id).where(
        Alert.patient_id == patient.id, Alert.rule == BAD_EVENING, Alert.state != AlertState.RESOLVED
    )
    looked_at = select(Watch.looked_at).where(Watch.patient_id == patient.id).scalar_subquery()
    in_the_way = select(CheckIn.id).where(
        CheckIn.patient_id == patient.id,
        or_(CheckIn.day >= today, CheckIn.received_at >= looked_at),
    )
    return not db.session.scalar(select(or_(exists(waits), exists(in_the_way))))


def _derived(of: str) -> bytes:
    return hmac.new(parts().settings.demo_secret.encode(), of.encode(), hashlib.sha256).digest()
