"""What an admin sees of the audit: the own clinic's events, newest first."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from server.errors import Refused
from server.extensions import db
from server.models import Action, AuditEvent, BreakGlass
from server.services.identities import Identity

LONGEST_CURSOR = 18  # digits: any seq there will be


@dataclass(frozen=True, slots=True)
class Wanted:
    """All of these together; None asks for nothing."""

    patient: uuid.UUID | None = None
    actor: uuid.UUID | None = None
    action: Action | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_events(caller: Identity, wanted: Wanted, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Newest first, with the reason where somebody broke the glass."""
    found = (
        select(AuditEvent).where(AuditEvent.clinic_id == caller.clinic_id).order_by(AuditEvent.seq.desc()).limit(limit)
    )
    if before is not None:
        found = found.where(AuditEvent.seq < before)
    if wanted.patient:
        found = found.where(AuditEvent.patients.contains([wanted.patient]))
    if wanted.actor:
        found = found.where(AuditEvent.actor_id == wanted.actor)
    if wanted.action:
        found = found.where(AuditEvent.action == str(wanted.action))
    if wanted.since:
        found = found.where(AuditEvent.at >= wanted.since)
    if wanted.until:
        found = found.where(AuditEvent.at < wanted.until)
    events = db.session.scalars(found).all()
    reasons = _reasons(events)
    names = ("seq", "at", "actor", "actor_id", "action", "patients", "what", "request_id")
    return [
        {**{name: getattr(event, name) for name in names}, "reason": reasons.get(event.what.get("break_glass"))}
        for event in events
    ]


def parse_before(cursor: str | None) -> int | None:
    """Raises Refused for anything that we did not give out."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= LONGEST_CURSOR):
        raise Refused("cursor", "This cursor is not one of ours.")
    return int(cursor)


def _reasons(events: Sequence[AuditEvent]) -> Mapping[Any, str]:
    broken = [event.what["break_glass"] for event in events if "break_glass" in event.what]
    if not broken:
        return {}
    found = db.session.scalars(select(BreakGlass).where(BreakGlass.id.in_(map(uuid.UUID, broken))))
    return {str(one.id): one.reason for one in found}
