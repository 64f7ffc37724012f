"""One's own account."""

from datetime import datetime
from typing import Any

from server.extensions import db
from server.models import PATIENT_HELD, Member, Patient, Role
from server.services.clinics import check_zone
from server.services.identities import Identity
from server.services.patients import look_by_end_of_day
from server.services.replays import replay


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
        }
    member = db.session.get_one(Member, caller.id)
    return {
        "id": member.id,
        "role": caller.role,
        "clinic": member.clinic.name,
        "name": member.name,
        "email": member.email,
        "zone": member.clinic.zone,
    }


def change_own(caller: Identity, fields: dict[str, Any], now: datetime) -> None:
    """A patient's own zone and language. Raises Refused for an unknown zone."""
    patient = db.session.get_one(Patient, caller.id, with_for_update=PATIENT_HELD, populate_existing=True)
    if "zone" in fields:
        patient.zone = check_zone(fields["zone"])
        replay(patient)
        look_by_end_of_day(patient, now)
    if "language" in fields:
        patient.language = fields["language"]
    db.session.flush()
