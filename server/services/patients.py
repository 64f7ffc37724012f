"""The caseload: who is a patient here, who cares for them, and how their phone gets in."""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select, tuple_, update
from sqlalchemy.orm import selectinload

from server.errors import Conflict, NotFound, Refused
from server.extensions import db
from server.models import PATIENT_HELD, Ended, Invite, Patient, Role
from server.scope import NOWHERE, clinic_of_invite, clinic_of_patient, enter
from server.services import audit, participation
from server.services.break_glass import broken_by
from server.services.care_teams import cared_for_by, has_alert_of, replace_care_team
from server.services.changes import profile_changed
from server.services.clinics import check_zone
from server.services.codes import new_code, normal_code
from server.services.consent_references import named_by
from server.services.identities import Identity, known_of
from server.services.keys import index_of
from server.services.looks import look_by_end_of_day
from server.services.notices import tell_newcomers
from server.services.own_days import days_of
from server.services.pages import Cursor
from server.services.passwords import check_password, hash_password
from server.services.pauses import set_paused
from server.services.replays import replay
from server.services.routes import route
from server.services.sign_ins import end_all
from server.services.unique import unique
from server.services.zones import enrolled_in, first_zone, moved_by_clinic
from server.trends import Severity

INVITE_LIFE = timedelta(days=14)
NO_INVITE = ("code", "This invite is unknown, used or expired. Ask your clinic for a new one.")
CODE_SYMBOLS = 8
INVITE_SYMBOLS = 12
REFERENCE = ("uq_patient_reference_index", "Another patient of this clinic has this reference.")


def visible_to(caller: Identity) -> Select[Patient]:
    """The patients that a member may see: a clinician those in their care, behind a glass that they broke, or of whose
    open alert they were told; the others the clinic's.
    """
    found = select(Patient).where(Patient.clinic_id == caller.clinic_id)
    if caller.role is Role.CLINICIAN:
        found = found.where(
            or_(
                Patient.id.in_(cared_for_by(caller)),
                Patient.id.in_(broken_by(caller)),
                Patient.id.in_(has_alert_of(caller)),
            )
        )
    return found


def get_patient(caller: Identity, patient_id: uuid.UUID) -> Patient:
    """Raises NotFound, alike for the missing and the foreign."""
    patient = db.session.scalar(visible_to(caller).where(Patient.id == patient_id))
    if patient is None:
        raise NotFound("There is no such patient.")
    audit.concerns(patient.id)
    return patient


def hold_patient(caller: Identity, patient_id: uuid.UUID) -> Patient:
    """As get_patient, the row held; who was erased while it was waited for is missing, too."""
    found = get_patient(caller, patient_id)
    patient = db.session.get(Patient, found.id, with_for_update=PATIENT_HELD, populate_existing=True)
    if patient is None:
        raise NotFound("There is no such patient.")
    return patient


def list_patients(
    caller: Identity, cursor: Cursor | None, limit: int, consent_reference: str | None = None
) -> Sequence[Patient]:
    """Newest first."""
    found = (
        visible_to(caller)
        .options(selectinload(Patient.team), selectinload(Patient.pauses))
        .order_by(Patient.created_at.desc(), Patient.id.desc())
        .limit(limit)
    )
    if consent_reference is not None:
        found = found.where(Patient.id.in_(named_by(consent_reference)))
    if cursor:
        found = found.where(tuple_(Patient.created_at, Patient.id) < tuple_(cursor.at, cursor.id))
    listed = db.session.scalars(found).all()
    audit.concerns(*(patient.id for patient in listed))
    return listed


def create_patient(caller: Identity, fields: dict[str, Any], now: datetime) -> Patient:
    """Raises Refused for an unknown zone or a care team of strangers, Conflict for a reference in use."""
    team = fields.pop("care_team", None) or ([caller.id] if caller.role is Role.CLINICIAN else [])
    paused = fields.pop("paused", False)
    check_zone(fields["zone"])
    patient = Patient(id=uuid.uuid4(), clinic_id=caller.clinic_id, code=_unused_code(), created_at=now, **fields)
    patient.reference_index = _reference_index(patient)
    with unique(*REFERENCE):
        db.session.add(patient)
    first_zone(patient, now, caller.id)
    audit.concerns(patient.id)
    replace_care_team(patient, team)
    set_paused(patient, paused, caller.id, now)
    return patient


def change_patient(caller: Identity, patient_id: uuid.UUID, fields: dict[str, Any], now: datetime) -> Patient:
    patient = hold_patient(caller, patient_id)
    team, paused = fields.pop("care_team", None), fields.pop("paused", None)
    if "zone" in fields:
        moved_by_clinic(patient, fields.pop("zone"), now, caller.id)
    first, last = (fields.get(name, getattr(patient, name)) for name in ("monitored_from", "monitored_until"))
    if first and last and last < first:
        raise Refused("monitored_until", "Monitoring cannot end before it begins.")
    was_active = patient.active
    with unique(*REFERENCE):
        for name, value in fields.items():
            setattr(patient, name, value)
        if "reference" in fields:
            patient.reference_index = _reference_index(patient)
    profile_changed(patient, *fields)
    if fields.keys() & {"monitored_from", "monitored_until"}:
        replay(patient)
    if paused is not None:
        set_paused(patient, paused, caller.id, now)
    if was_active and not patient.active:
        # The day that is under way is looked at once more when it ends; then nobody looks.
        end_all(patient, Ended.DISABLED, now)
        _void_invites(patient, now)
    if patient.monitored_from is not None or (patient.active and not was_active):
        look_by_end_of_day(patient, now)
    if team is not None:
        _hand_over(patient, team, now)
    db.session.flush()
    return patient


def invite(caller: Identity, patient_id: uuid.UUID, now: datetime) -> tuple[Invite, str]:
    """A fresh invite and its code, which is shown this once; earlier unused ones stop working.

    Raises Conflict when nobody would hear of this patient: an alert with no one to read it is a silent hole.
    """
    patient = get_patient(caller, patient_id)
    if not patient.active:
        raise Conflict("This patient's account is disabled, so the patient cannot be invited.")
    if not route(patient, Severity.URGENT, now):
        raise Conflict("Nobody in this patient's care team can receive alerts, so the patient cannot be invited.")
    _void_invites(patient, now)
    code = new_code(INVITE_SYMBOLS)
    made = Invite(
        patient_id=patient.id,
        code_hash=_code_hash(code),
        created_by=caller.id,
        created_at=now,
        expires_at=now + INVITE_LIFE,
    )
    db.session.add(made)
    db.session.flush()
    audit.concerns(patient.id, invite=made.id)
    return made, code


def redeem_invite(code: str, password: str, device: str, zone: str, now: datetime) -> Patient:
    """The phone is in. Raises Refused for a code that is unknown, used or expired, alike."""
    check_zone(zone)
    password_hash = hash_password(password, ())
    code_hash = _code_hash(code)
    enter(clinic_of_invite(code_hash) or NOWHERE)
    used = db.session.scalar(
        update(Invite)
        .where(Invite.code_hash == code_hash, Invite.redeemed_at.is_(None), Invite.expires_at > now)
        .values(redeemed_at=now, device=device)
        .returning(Invite.patient_id)
    )
    if used is None:
        raise Refused(*NO_INVITE)
    patient = db.session.get_one(Patient, used, with_for_update=PATIENT_HELD, populate_existing=True)
    if not patient.active:
        raise Refused(*NO_INVITE)
    if not route(patient, Severity.URGENT, now):
        raise Conflict("Nobody at the clinic can receive alerts about you yet. Ask your clinic.")
    check_password(password, known_of(patient))
    patient.password_hash = password_hash
    end_all(patient, Ended.REPLACED, now)
    enrolled_in(patient, zone, now)
    if patient.monitored_from is None:
        patient.monitored_from = days_of(patient, now).today
    participation.begin(patient, now)
    look_by_end_of_day(patient, now)
    db.session.flush()
    return patient


def _void_invites(patient: Patient, now: datetime) -> None:
    db.session.execute(
        update(Invite)
        .where(Invite.patient_id == patient.id, Invite.redeemed_at.is_(None), Invite.expires_at > now)
        .values(expires_at=now)
    )


def _hand_over(patient: Patient, team: Sequence[uuid.UUID], now: datetime) -> None:
    """The new care team hears of what is not closed. Raises Conflict when nobody would be left to hear."""
    if not team and patient.enrolled:
        raise Conflict("Somebody must receive the alerts of a patient who checks in: the care team cannot be empty.")
    replace_care_team(patient, team)
    tell_newcomers(patient, now)


def _reference_index(patient: Patient) -> bytes | None:
    reference = patient.reference
    return None if reference is None else index_of("patient.reference", reference, patient.clinic_id)


def _code_hash(code: str) -> bytes:
    return hashlib.sha256(normal_code(code).encode()).digest()


def _unused_code() -> str:
    while True:
        code = new_code(CODE_SYMBOLS)
        if clinic_of_patient(code) is None:
            return code
