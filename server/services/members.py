"""What an admin changes about those who work at the clinic."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import aliased

from server.errors import Conflict, NotFound
from server.extensions import db
from server.models import AccountChange, CareTeam, Clinic, Ended, Member, Patient, Role
from server.services.account_mails import tell_changed
from server.services.escalation import hurry_after
from server.services.identities import Identity
from server.services.keys import email_index
from server.services.routes import is_reachable
from server.services.sign_ins import end_all
from server.services.unique import unique

TAKEN = ("uq_member_email_index", "Somebody with this email address is already a member.")


def change_member(caller: Identity, member_id: uuid.UUID, fields: dict[str, Any], now: datetime) -> Member:
    """Role, address and whether active; a member whom a new role or this shuts out is signed out everywhere.

    Raises NotFound; Conflict when the clinic would be left without an admin, or a patient with nobody who hears.
    """
    # The clinic's row is the lock: of two admins who disable each other at once, one remains.
    db.session.scalars(select(Clinic.id).where(Clinic.id == caller.clinic_id).with_for_update(key_share=True)).one()
    member = db.session.scalar(
        select(Member)
        .where(Member.id == member_id, Member.clinic_id == caller.clinic_id)
        .with_for_update(of=Member, key_share=True)
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise NotFound("There is no such member.")
    if "email" in fields:
        _mend_address(member, fields["email"], now)
    role, active = fields.get("role", member.role), fields.get("active", member.active)
    has_new_role = role is not member.role
    if not has_new_role and active == member.active:
        return member
    if member.active and (has_new_role or not active):
        _check_dispensable(member)
        end_all(member, Ended.DISABLED if not active else Ended.ROLE_CHANGED, now)
    member.role, member.active = role, active
    if role is not Role.CLINICIAN:
        # Who cannot open an alert must not count as somebody who hears of it.
        db.session.execute(delete(CareTeam).where(CareTeam.member_id == member.id))
    db.session.flush()
    if not is_reachable(member):
        hurry_after(member.id, now)
    return member


def _mend_address(member: Member, email: str, now: datetime) -> None:
    """Mail goes there from now on, and whatever came back before is forgiven. Raises Conflict when it is taken.

    The address before is told: whoever gives an account another one can have a new password mailed there.
    """
    before, reached = member.email, member.bounced_at is None
    with unique(*TAKEN):
        member.email, member.email_index = email.strip().lower(), email_index(email)
        member.bounced_at = member.bounce_status = None
    if reached and before != member.email:
        tell_changed(member, AccountChange.EMAIL, now, email_before=before)


def _check_dispensable(member: Member) -> None:
    """Raises Conflict when what this member did would be done by nobody."""
    if member.role is Role.ADMIN:
        others = select(Member.id).where(
            Member.clinic_id == member.clinic_id, Member.id != member.id, Member.role == Role.ADMIN, Member.active
        )
        if db.session.scalar(others.limit(1)) is None:
            raise Conflict("This is the clinic's only active admin. Make another one first.")
    elif _is_the_only_one_for_somebody(member):
        raise Conflict("Patients who check in would have nobody who hears of it. Hand them over first.")


def _is_the_only_one_for_somebody(member: Member) -> bool:
    """Whether an enrolled patient has no other active member in the care team."""
    other, place = aliased(CareTeam), aliased(Member)
    heard = exists().where(
        other.patient_id == Patient.id,
        other.member_id != member.id,
        place.id == other.member_id,
        place.active,
    )
    alone = (
        select(Patient.id)
        .join(CareTeam, CareTeam.patient_id == Patient.id)
        .where(CareTeam.member_id == member.id, Patient.active, Patient.password_hash.is_not(None), ~heard)
    )
    return db.session.scalar(alone.limit(1)) is not None
