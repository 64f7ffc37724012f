"""Who is on call, and who is away and for whom a deputy stands in."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from server.clock import local_day
from server.errors import Conflict, NotFound, Refused
from server.extensions import db
from server.models import Absence, Clinic, Member, OnCall, Role
from server.services.escalation import hurry_after
from server.services.identities import Identity


def list_on_call(now: datetime) -> Sequence[OnCall]:
    """Now and later, in the order in which they begin."""
    found = select(OnCall).where(OnCall.ends_at > now).order_by(OnCall.begins_at, OnCall.id)
    return db.session.scalars(found).all()


def add_on_call(
    caller: Identity, member_id: uuid.UUID, begins_at: datetime, ends_at: datetime, now: datetime
) -> OnCall:
    """Raises NotFound for another clinic's member, Conflict for who is no active clinician; Refused."""
    clinician = _clinician(caller, member_id)
    if ends_at <= max(begins_at, now):
        raise Refused("ends_at", "A duty ends after it begins, and not in the past.")
    duty = OnCall(
        id=uuid.uuid4(),
        member_id=clinician.id,
        begins_at=begins_at,
        ends_at=ends_at,
        created_at=now,
        created_by=caller.id,
    )
    db.session.add(duty)
    db.session.flush()
    return duty


def remove_on_call(duty_id: uuid.UUID) -> None:
    duty = db.session.get(OnCall, duty_id)
    if duty is None:
        raise NotFound("There is no such duty.")
    db.session.delete(duty)
    db.session.flush()


def list_absences(caller: Identity, now: datetime) -> Sequence[Absence]:
    """Today's and later ones, the earliest first."""
    found = select(Absence).where(Absence.last_day >= _today(caller, now))
    return db.session.scalars(found.order_by(Absence.first_day, Absence.id)).all()


def add_absence(
    caller: Identity, member_id: uuid.UUID, first_day: date, last_day: date, deputy_id: uuid.UUID | None, now: datetime
) -> Absence:
    """A clinician's own, or anybody's by an admin or a coordinator. What waits for who is away today is passed on.

    Raises NotFound for another clinician's, alike for the missing; Conflict, Refused.
    """
    if caller.role is Role.CLINICIAN and member_id != caller.id:
        raise NotFound("There is no such member.")
    clinician = _clinician(caller, member_id)
    if last_day < max(first_day, _today(caller, now)):
        raise Refused("last_day", "An absence ends after it begins, and not in the past.")
    if deputy_id is not None and (deputy_id == member_id or not _is_clinician(_member(caller, deputy_id))):
        raise Refused("deputy_id", "The deputy is another active clinician of this clinic.")
    absence = Absence(
        id=uuid.uuid4(),
        member_id=clinician.id,
        deputy_id=deputy_id,
        first_day=first_day,
        last_day=last_day,
        created_at=now,
        created_by=caller.id,
    )
    db.session.add(absence)
    db.session.flush()
    if first_day <= _today(caller, now):
        hurry_after(member_id, now)
    return absence


def remove_absence(caller: Identity, absence_id: uuid.UUID) -> None:
    """Raises NotFound, alike for the missing and another clinician's."""
    absence = db.session.get(Absence, absence_id)
    if absence is None or (caller.role is Role.CLINICIAN and absence.member_id != caller.id):
        raise NotFound("There is no such absence.")
    db.session.delete(absence)
    db.session.flush()


def _clinician(caller: Identity, member_id: uuid.UUID) -> Member:
    found = _member(caller, member_id)
    if found is None:
        raise NotFound("There is no such member.")
    if not _is_clinician(found):
        raise Conflict("This member is no active clinician, and hears of no alerts.")
    return found


def _member(caller: Identity, member_id: uuid.UUID) -> Member | None:
    return db.session.scalar(select(Member).where(Member.id == member_id, Member.clinic_id == caller.clinic_id))


def _is_clinician(member: Member | None) -> bool:
    return member is not None and member.active and member.role is Role.CLINICIAN


def _today(caller: Identity, now: datetime) -> date:
    clinic = db.session.get_one(Clinic, caller.clinic_id)
    return local_day(now, clinic.zone, clinic.day_starts_at)
