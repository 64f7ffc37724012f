"""A clinician from outside the care team gets to a patient of the clinic, for a while, and says why."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import Select, select

from server.errors import Conflict, NotFound
from server.extensions import db, now
from server.models import BreakGlass, CareTeam, Patient
from server.services import audit
from server.services.care_teams import cared_for_by
from server.services.identities import Identity

LASTS = timedelta(hours=1)


def broken_by(caller: Identity) -> Select[uuid.UUID]:
    """The patients that this member gets to by having broken the glass, for a query to ask."""
    return select(BreakGlass.patient_id).where(BreakGlass.member_id == caller.id, BreakGlass.ends_at > now())


def break_glass(caller: Identity, patient_id: uuid.UUID, reason: str, at: datetime) -> BreakGlass:
    """Raises NotFound, alike for the missing and another clinic's; Conflict for a patient who is in one's care."""
    patient = db.session.scalar(
        select(Patient.id).where(Patient.id == patient_id, Patient.clinic_id == caller.clinic_id)
    )
    if patient is None:
        raise NotFound("There is no such patient.")
    if db.session.scalar(cared_for_by(caller).where(CareTeam.patient_id == patient_id)):
        raise Conflict("This patient is in your care.")
    broken = BreakGlass(
        id=uuid.uuid4(),
        clinic_id=caller.clinic_id,
        patient_id=patient_id,
        member_id=caller.id,
        reason=reason,
        at=at,
        ends_at=at + LASTS,
    )
    db.session.add(broken)
    db.session.flush()
    audit.concerns(patient_id, break_glass=broken.id)
    return broken
