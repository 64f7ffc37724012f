"""Who may have a mail about a patient, asked anew when it is to go: a consent may have ended since it was written."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from server.extensions import db
from server.models import Alert, AlertEmail, AlertState, Consent, ConsentKind, Patient, What, Withheld
from server.services.listed import any_of
from server.services.own_days import days_of
from server.services.routes import route, routing_of
from server.trends import Severity


def outsiders(patient_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Consent]]:
    """The consents by which somebody outside hears of each of these patients."""
    consents: dict[uuid.UUID, list[Consent]] = {patient_id: [] for patient_id in patient_ids}
    for consent in db.session.scalars(
        select(Consent)
        .where(
            Consent.patient_id == any_of(patient_ids),
            Consent.kind == ConsentKind.DISCLOSURE,
            Consent.withdrawn_at.is_(None),
        )
        .order_by(Consent.granted_at, Consent.id)
    ):
        consents[consent.patient_id].append(consent)
    return consents


def covering(consents: Sequence[Consent], patient: Patient, severity: str, now: datetime) -> list[Consent]:
    """Those in force that cover an alert of this severity."""
    return [consent for consent in consents if _covers(consent, severity) and not is_over(consent, patient, now)]


def why_not(email: AlertEmail, now: datetime) -> Withheld | None:
    """Why this email may not go now; None when it may."""
    patient = email.alert.patient
    if email.consent is not None:
        return _why_not_outside(email.consent, patient, now)
    if email.to_clinic:
        # The clinic may have taken its address away since.
        known = routing_of(email.clinic_id).escalation_email_sealed is not None
    else:
        known = email.member_id in {member.id for member in route(patient, email.alert.severity, now)}
    if not known:
        return Withheld.NOT_IN_CARE_TEAM
    if patient.withdrawn_at is not None and not is_open_safety(email.alert):
        return Withheld.PARTICIPATION_WITHDRAWN
    return None


def is_open_safety(alert: Alert) -> bool:
    """What no withdrawal stops, on its way to the care team."""
    return alert.severity == Severity.URGENT and alert.state is not AlertState.RESOLVED


def is_over(consent: Consent, patient: Patient, now: datetime) -> bool:
    """Whether its last day is over, where the patient is."""
    today = days_of(patient, now).today
    return consent.expires_on is not None and consent.expires_on < today


def _why_not_outside(consent: Consent, patient: Patient, now: datetime) -> Withheld | None:
    if consent.withdrawn_at is not None or consent.patient_id != patient.id:
        return Withheld.CONSENT_WITHDRAWN
    return Withheld.CONSENT_EXPIRED if is_over(consent, patient, now) else None


def _covers(consent: Consent, severity: str) -> bool:
    return consent.what is What.ALERTS or severity == Severity.URGENT
