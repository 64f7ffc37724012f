"""Clinics and their members."""

import uuid
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select

from server.errors import Refused
from server.extensions import db
from server.models import Clinic, Member, Role
from server.scope import enter
from server.services import audit
from server.services.identities import Identity
from server.services.keys import email_index
from server.services.limits import change_limits, first_limits
from server.services.members import TAKEN
from server.services.passwords import hash_password
from server.services.routes import first_routing
from server.services.unique import unique


@cache
def known_zones() -> frozenset[str]:
    """Read once: the list is gathered from hundreds of files."""
    return frozenset(available_timezones()) - {"Factory", "localtime"} - {"localtime"}


def check_zone(zone: str, field: str = "zone") -> str:
    if zone not in known_zones():
        raise Refused(field, "This is not a time zone of the IANA database.")
    return zone


def create_clinic(name: str, zone: str, now: datetime, *, live: bool = True) -> Clinic:
    """The session works for it from here on."""
    clinic = Clinic(id=uuid.uuid4(), name=name, zone=check_zone(zone), live=live, created_at=now)
    enter(clinic.id)
    db.session.add(clinic)
    db.session.flush()
    first_limits(clinic.id, now)
    first_routing(clinic, now)
    db.session.flush()
    return clinic


def change_clinic(caller: Identity, fields: dict[str, Any], now: datetime) -> None:
    """Its limits, and whether its members need a second step: who has none may from now on only set one up."""
    required = fields.pop("mfa_required", None)
    change_limits(caller, fields, now)
    if required is not None:
        db.session.get_one(Clinic, caller.clinic_id).mfa_required = required
    db.session.flush()


def add_member(clinic_id: uuid.UUID, role: Role, name: str, email: str, password: str, now: datetime) -> Member:
    """Raises Conflict when the address is taken, Refused for a weak password."""
    member = Member(
        id=uuid.uuid4(),
        clinic_id=clinic_id,
        role=role,
        name=name,
        email=email.strip().lower(),
        email_index=email_index(email),
        password_hash=hash_password(password, (email, name)),
        created_at=now,
    )
    with unique(*TAKEN):
        db.session.add(member)
    audit.concerns(member=member.id)
    return member


def members(clinic_id: uuid.UUID) -> list[Member]:
    found = db.session.scalars(select(Member).where(Member.clinic_id == clinic_id).order_by(Member.name, Member.id))
    return list(found)
