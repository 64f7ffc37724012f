"""Taking part: from the enrolment until the patient withdraws, and again from when it is granted anew."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from server.extensions import db
from server.models import Consent, ConsentKind, EndedHow, Patient, Purpose, What
from server.services.looks import look_by_end_of_day, look_no_more
from server.services.notices import tell_newcomers
from server.services.pauses import set_withdrawn
from server.services.unique import unique
from server.services.wordings import WORDINGS

IN_FORCE = ("uq_consent_participation", "You take part already.")


def begin(patient: Patient, now: datetime) -> None:
    """At the first enrolment. A later invite is a new phone, and no new consent. The caller holds the patient's row."""
    ever = select(Consent.id).where(Consent.patient_id == patient.id, Consent.kind == ConsentKind.PARTICIPATION)
    if db.session.scalar(ever.limit(1)) is None:
        _grant(patient, now)


def resume(patient: Patient, now: datetime) -> Consent:
    """From today on; the days between are no silence. Raises Conflict for who takes part already.

    What the care team was not told meanwhile, and nobody has closed, it is told now. The caller holds the row.
    """
    granted = _grant(patient, now)
    patient.withdrawn_at = None
    set_withdrawn(patient, False, now)
    if patient.active and patient.monitored_from is not None:
        look_by_end_of_day(patient, now)
    tell_newcomers(patient, now)
    return granted


def end(patient: Patient, now: datetime) -> Sequence[Consent]:
    """From this moment nobody assesses, and nobody outside hears anything; returns all consents that end.

    What is open and urgent keeps its way to the care team: server.services.recipients. The caller holds the row.
    """
    ending = db.session.scalars(
        select(Consent).where(Consent.patient_id == patient.id, Consent.withdrawn_at.is_(None))
    ).all()
    for consent in ending:
        is_this = consent.kind is ConsentKind.PARTICIPATION
        consent.withdrawn_at = now
        consent.withdrawn_how = EndedHow.BY_PATIENT if is_this else EndedHow.WITH_PARTICIPATION
    patient.withdrawn_at = now
    look_no_more(patient)
    set_withdrawn(patient, True, now)
    return ending


def _grant(patient: Patient, now: datetime) -> Consent:
    consent = Consent(
        id=uuid.uuid4(),
        clinic_id=patient.clinic_id,
        patient_id=patient.id,
        kind=ConsentKind.PARTICIPATION,
        purpose=Purpose.MONITORING,
        what=What.CHECK_INS,
        wording=WORDINGS[ConsentKind.PARTICIPATION].version,
        granted_at=now,
    )
    with unique(*IN_FORCE):
        db.session.add(consent)
    return consent
