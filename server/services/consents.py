"""A patient's consents: what there is, granting, withdrawing. Only the patient grants and withdraws."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from server.errors import Conflict, NotFound, Refused
from server.extensions import db
from server.models import PATIENT_HELD, Consent, ConsentKind, EndedHow, Patient
from server.services import participation
from server.services.consent_references import unused_reference
from server.services.identities import Identity
from server.services.keys import index_of
from server.services.own_days import days_of
from server.services.recipients import is_over
from server.services.unique import unique
from server.services.wordings import WORDINGS

# No consent is for ever (42 CFR 2.31): two years at most, and then it may be granted anew.
LONGEST = timedelta(days=731)
# Whoever may be mailed is named by the patient, so there are few.
MOST_RECIPIENTS = 5
RECIPIENT = ("uq_consent_recipient", "A consent for this recipient is in force. Withdraw it first.")


def list_consents(patient_id: uuid.UUID) -> Sequence[Consent]:
    """All that were ever granted, newest first."""
    return db.session.scalars(
        select(Consent).where(Consent.patient_id == patient_id).order_by(Consent.granted_at.desc(), Consent.id)
    ).all()


def grant(caller: Identity, fields: dict[str, Any], now: datetime) -> Consent:
    """Raises Refused for a wording that is not in force or an impossible last day, Conflict for what is granted."""
    patient = _held(caller)
    kind: ConsentKind = fields.pop("kind")
    if fields.pop("wording") != WORDINGS[kind].version:
        raise Refused("wording", "This is not the wording in force: show the present one.")
    if kind is ConsentKind.PARTICIPATION:
        return participation.resume(patient, now)
    return _grant_disclosure(patient, fields, now)


def withdraw(caller: Identity, consent_id: uuid.UUID, now: datetime) -> Sequence[Consent]:
    """It holds from the next mail on; returns all that end with it, and again none.

    Raises NotFound, alike for the missing and the foreign.
    """
    patient = _held(caller)
    consent = db.session.scalar(select(Consent).where(Consent.id == consent_id, Consent.patient_id == patient.id))
    if consent is None:
        raise NotFound("There is no such consent.")
    if consent.withdrawn_at is not None:
        return []
    if consent.kind is ConsentKind.PARTICIPATION:
        return participation.end(patient, now)
    consent.withdrawn_at, consent.withdrawn_how = now, EndedHow.BY_PATIENT
    db.session.flush()
    return [consent]


def _held(caller: Identity) -> Patient:
    """The patient's row is the lock: what is in force is decided by one at a time."""
    return db.session.get_one(Patient, caller.id, with_for_update=PATIENT_HELD, populate_existing=True)


def _grant_disclosure(patient: Patient, fields: dict[str, Any], now: datetime) -> Consent:
    if patient.withdrawn_at is not None:
        raise Conflict("You take no part, so there is nothing to tell anybody. Grant participation first.")
    _check_last_day(fields["expires_on"], days_of(patient, now).today)
    index = index_of("consent.recipient", fields["recipient_email"].strip().lower(), patient.id)
    in_force = _end_expired(patient, now)
    if len(in_force) >= MOST_RECIPIENTS and index not in {consent.recipient_index for consent in in_force}:
        raise Conflict("Consents for %(most)d recipients are in force. Withdraw one first.", most=MOST_RECIPIENTS)
    consent = Consent(
        id=uuid.uuid4(),
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        kind=ConsentKind.DISCLOSURE,
        recipient_index=index,
        reference=unused_reference(),
        wording=WORDINGS[ConsentKind.DISCLOSURE].version,
        granted_at=now,
        **fields,
    )
    with unique(*RECIPIENT):
        db.session.add(consent)
    return consent


def _check_last_day(last: date, today: date) -> None:
    if last < today:
        raise Refused("expires_on", "This day is over.")
    if last > today + LONGEST:
        raise Refused("expires_on", "A consent lasts two years at most; it can be granted anew.")


def _end_expired(patient: Patient, now: datetime) -> Sequence[Consent]:
    """So that a recipient can be named anew; returns what is in force."""
    found = db.session.scalars(
        select(Consent).where(
            Consent.patient_id == patient.id, Consent.kind == ConsentKind.DISCLOSURE, Consent.withdrawn_at.is_(None)
        )
    ).all()
    for consent in found:
        if is_over(consent, patient, now):
            consent.withdrawn_at, consent.withdrawn_how = now, EndedHow.EXPIRED
    db.session.flush()
    return [consent for consent in found if consent.withdrawn_at is None]
