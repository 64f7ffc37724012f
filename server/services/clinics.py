"""Clinics and their members."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from psycopg.errors import UndefinedFunction
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from server.errors import Conflict, Refused
from server.extensions import db
from server.models import Clinic, Member, Role
from server.scope import enter, every_clinic
from server.services import audit
from server.services.identities import Identity
from server.services.keys import email_index
from server.services.limits import change_limits, first_limits
from server.services.members import TAKEN
from server.services.passwords import hash_password
from server.services.routes import first_routing
from server.services.unique import unique

LOOK_WHY = "Look which database DATABASE_URL names, and, if it was restored, what pg_restore said last."


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


def those_here() -> Sequence[uuid.UUID]:
    """Every clinic. Raises Conflict where there is none: whoever goes through all of none finds nothing wrong."""
    try:
        found = every_clinic()
    except ProgrammingError as error:
        if not isinstance(error.orig, UndefinedFunction):
            raise
        db.session.rollback()
        raise Conflict(f"There is no clinic in this database, nor a table for one. {LOOK_WHY}") from error
    if not found:
        raise Conflict(f"There is no clinic in this database. {LOOK_WHY}")
    return found


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
