"""The actors of every test, made through the services that make them in life."""

import base64
import hashlib
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import pyotp
from flask import Flask, current_app

from server.api.tokens import issue, lasting
from server.extensions import db, now
from server.models import Clinic, Member, Patient, Role
from server.schemas.consents import ConsentIn
from server.scope import enter, entered
from server.services import clinics, identities, passwords, patients, sign_ins
from server.services.identities import Identity
from server.services.second_factor import enrol
from server.settings import Settings
from server.trends import Figures, Finding, Severity, Thresholds

VAPID = base64.urlsafe_b64encode(bytes(range(1, 33))).decode().rstrip("=")
CONTACT = "mailto:ops@push.example"
PASSWORD = "correct horse battery"
# In a value that is refused: it must not come back.
CANARY = "canary-7f3a"
ODD = f"{CANARY}'\";--\r\n<b>{{{{7*7}}}}"
NOTE = "a quiet day"
OUTCOME_NOTE = "spoke on the phone"
PROTOCOL = "10 Hz, 3000 pulses"
# Whom Ada lets hear of her outside the clinic.
GRAY, GRAY_NAME = "gray@outside.example", "Dr. Gray, my family doctor"
# What no log line may hold: passwords, addresses, notes, names, tokens. What the tests make contains one of these.
MARKS = (
    *(PASSWORD, CANARY, NOTE, OUTCOME_NOTE, PROTOCOL, "Bob's clinic", "Carol's clinic"),
    *("@clinic.example", "@elsewhere.example", "@interlude.example", "@outside.example", GRAY_NAME, "eyJ"),
)
# Of every admin's second step.
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def settings_for(database_url: str, migration_database_url: str, **changes: str) -> Settings:
    return Settings.from_env(environment_for(database_url, migration_database_url, **changes))


def environment_for(database_url: str, migration_database_url: str, **changes: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "MIGRATION_DATABASE_URL": migration_database_url,
        "SECRET_KEY": "for-the-cookies-of-the-tests-alone-not-a-secret",
        "JWT_SECRET_KEY": "for-the-tokens-of-the-tests-alone-not-a-secret",
        "DATA_KEYS": data_key("tests"),
        "AUDIT_KEYS": "tests:for-the-audit-of-the-tests-alone-not-a-secret",
        "BASE_URL": "http://127.0.0.1:8000",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "Interlude <no-reply@interlude.example>",
        # A test asks faster than anybody.
        "RATE_LIMIT_PER_MINUTE": "1000000",
        # Nothing leaves: no test's patient has a reminder time unless the test says so, with a service of its own.
        "VAPID_PRIVATE_KEY": VAPID,
        "VAPID_SUBJECT": CONTACT,
        "WEBHOOK_HOSTS": "hook.clinic.example",
        "DEMO_SECRET": "for the demo accounts of the tests alone",
        **changes,
    }


def data_key(key_id: str, of: str = "") -> str:
    """A setting's worth of one key, the same at each call: made from its id, or from another word."""
    return f"{key_id}:{base64.b64encode(hashlib.sha256((of or key_id).encode()).digest()).decode()}"


@dataclass(frozen=True, slots=True)
class Actors:
    """Ada is Bob's patient. Carol works at another clinic and must see nothing of it.

    The test's own session works for Bob's clinic; of the other clinic it has these copies, which it cannot write.
    """

    clinic: Clinic
    bob: Member
    alice_admin: Member
    ada: Patient
    elsewhere: Clinic
    carol: Member


def make_actors(now: datetime) -> Actors:
    with current_app.app_context():
        elsewhere = clinics.create_clinic("Carol's clinic", "America/New_York", now)
        carol = _add_member(elsewhere, Role.CLINICIAN, "Carol", "carol@elsewhere.example", now)
        _keep_copies(elsewhere, carol)
    clinic = clinics.create_clinic("Bob's clinic", "America/New_York", now)
    bob = _add_member(clinic, Role.CLINICIAN, "Bob", "bob@clinic.example", now)
    admin = _add_member(clinic, Role.ADMIN, "Alice", "alice@clinic.example", now)
    actors = Actors(clinic, bob, admin, make_patient(bob, now), elsewhere, carol)
    db.session.commit()
    return actors


def make_member(clinic: Clinic, role: Role, name: str, now: datetime) -> Member:
    """Of another clinic than the session's, a copy."""
    email = f"{name.lower()}@interlude.example"
    if clinic.id == entered():
        member = _add_member(clinic, role, name, email, now)
        db.session.commit()
        return member
    with current_app.app_context():
        enter(clinic.id)
        member = _add_member(clinic, role, name, email, now)
        _keep_copies(member)
    return member


def _add_member(clinic: Clinic, role: Role, name: str, email: str, now: datetime) -> Member:
    with patch.object(clinics, "hash_password", _hash_once):
        member = clinics.add_member(clinic.id, role, name, email, PASSWORD, now)
    if role is Role.ADMIN:
        enrol(member, TOTP_SECRET, now)
    return member


def _keep_copies(*things: Clinic | Member) -> None:
    """Commits; they keep what they hold when the session goes."""
    db.session.commit()
    for thing in things:
        db.session.refresh(thing)


def make_patient(clinician: Member, now: datetime, **fields: Any) -> Patient:
    """A patient of this clinician whose phone is in."""
    by = identities.of_member(clinician)
    said = {"zone": "America/New_York", "language": "en", "region": "US", **fields}
    patient = patients.create_patient(by, said, now)
    _, code = patients.invite(by, patient.id, now)
    with patch.object(patients, "hash_password", _hash_once):
        patients.redeem_invite(code, PASSWORD, "phone", said["zone"], now)
    db.session.commit()
    return patient


def _hash_once(password: str, _: object) -> str:
    """The same password is hashed once: Argon2 is slow on purpose."""
    return _hash_of(password)


@cache
def _hash_of(password: str) -> str:
    return passwords.hash_password(password, ())


def identity_of(account: Member | Patient) -> Identity:
    return identities.of_account(account)


def tokens_of(app: Flask, account: Member | Patient, device: str | None = None) -> dict[str, Any]:
    """What signing in gives (the password itself is tried in test_tokens)."""
    identity = identity_of(account)
    with app.app_context():
        given = sign_ins.begin(identity, device, lasting(), now())
        db.session.commit()
        return issue(given)


def mfa_code(at: datetime) -> str:
    """What the app of an admin shows."""
    return pyotp.TOTP(TOTP_SECRET).at(at)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed_in(app: Flask, account: Member | Patient) -> dict[str, str]:
    """Headers of a request by this account."""
    return bearer(tokens_of(app, account)["access_token"])


def course_body(**fields: Any) -> dict[str, Any]:
    return {
        "indication": "cocaine",
        "target": "left_dlpfc",
        "protocol": PROTOCOL,
        "planned_sessions": 3,
        "first_day": "2026-05-04",
        "starts_at": "09:00",
        "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "sessions_per_day": 1,
        "gap_minutes": 60,
        **fields,
    }


def consent_body(at: datetime, email: str = GRAY, **fields: Any) -> dict[str, Any]:
    """That somebody outside hears of alerts, for half a year."""
    return {
        "kind": "disclosure",
        "wording": "disclosure-1",
        "purpose": "treatment",
        "what": "alerts",
        "recipient_name": GRAY_NAME,
        "recipient_email": email,
        "expires_on": (at + timedelta(days=180)).date().isoformat(),
        **fields,
    }


def disclosure_fields(at: datetime, email: str = GRAY, **fields: Any) -> dict[str, Any]:
    """The same as the service takes it."""
    loaded: dict[str, Any] = ConsentIn().load(consent_body(at, email, **fields))
    return loaded


def finding(day: date, severity: Severity = Severity.PROMPT, rule: str = "craving_severe") -> Finding:
    """What a rule says, made by hand."""
    return Finding(rule, 1, severity, day, f"Craving was 9 on {day}.", (day,), Thresholds(), Figures(9.0, 1, 1))


def check_in_body(at: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "recorded_at": at.isoformat(),
        "zone": "America/New_York",
        "form_version": "1",
        "craving": 3,
        **fields,
    }


def urge_body(at: datetime, **fields: Any) -> dict[str, Any]:
    return {"recorded_at": at.isoformat(), "zone": "America/New_York", "craving": 6, **fields}


def days_later(at: datetime, days: int) -> datetime:
    return at + timedelta(days=days)


def new_id() -> str:
    return str(uuid.uuid4())
