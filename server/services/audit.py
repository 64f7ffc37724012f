"""What is audited, gathered while a request runs and written at its commit: with what it tells of, or not at all.

A route that shows or changes a record says its action (`opened`); the services that find a patient's record say whose
it was (`concerns`). The clinic's head is locked last of all, when nothing is left to wait for but the commit: so it is
held for milliseconds, and nobody who waits for it holds it too.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_sqlalchemy.session import Session
from sqlalchemy import event, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_leave
from structlog.contextvars import get_contextvars

from server.chain import FIRST, Fields, link_of
from server.extensions import db, now, parts
from server.models import Action, Actor, AuditEvent, AuditHead, Role
from server.scope import entered
from server.services.identities import Identity

_OPEN, _GATHERED = "audit_open", "audit_gathered"


@dataclass(slots=True)
class Entry:
    """An event that has no place in the chain yet."""

    action: Action
    by: Identity | Actor  # somebody who signed in, or what kind of somebody
    at: datetime
    patients: dict[uuid.UUID, None] = field(default_factory=dict)  # a set that keeps its order
    what: dict[str, str] = field(default_factory=dict)
    request_id: str | None = field(default_factory=lambda: get_contextvars().get("request_id"))


def record(action: Action, by: Identity | Actor | None, *patients: uuid.UUID, **what: uuid.UUID) -> None:
    """It is written at the next commit. By None: whoever runs the service."""
    entry = Entry(action, by or Actor.OPERATOR, now(), patients=dict.fromkeys(patients), what=_named(what))
    db.session().info.setdefault(_GATHERED, []).append(entry)


@contextmanager
def opened(action: Action, by: Identity, ids: Mapping[str, Any]) -> Iterator[None]:
    """Within, whatever `concerns` says belongs to this action. Commit before the end: at an error it is dropped.

    `ids` are the address's own: of a patient, an alert and so on.
    """
    info = db.session().info
    named = {name.removesuffix("_id"): value for name, value in ids.items() if isinstance(value, uuid.UUID)}
    patient_id = named.pop("patient", None)
    entry = Entry(action, by, now(), dict.fromkeys([patient_id] if patient_id else []), _named(named))
    info[_OPEN] = entry
    info.setdefault(_GATHERED, []).append(entry)
    try:
        yield
    finally:
        info.pop(_OPEN, None)
        info.pop(_GATHERED, None)


def concerns(*patients: uuid.UUID, **what: uuid.UUID) -> None:
    """Whose record is shown or changed, and what of it."""
    entry = db.session().info.get(_OPEN)
    if entry is not None:
        entry.patients |= dict.fromkeys(patients)
        entry.what |= _named(what)


@event.listens_for(Session, "before_commit")
def write(session: Session) -> None:
    """The events of this transaction, each linked to the one before."""
    if session.in_nested_transaction() or not session.info.get(_GATHERED):
        return
    # All else first: after this no row is locked but the head.
    session.flush()
    entries: list[Entry] = session.info.pop(_GATHERED)
    clinic_id = entered()
    if clinic_id is None or any(
        isinstance(entry.by, Identity) and entry.by.clinic_id != clinic_id for entry in entries
    ):
        raise RuntimeError("an event is audited in the clinic that the session works for")
    _append(session, clinic_id, entries)


def _append(session: Session, clinic_id: uuid.UUID, entries: Iterable[Entry]) -> None:
    keys = parts().settings.audit_keys
    seq, link = _held_head(session, clinic_id)
    rows, at = [], None
    for entry in entries:
        seq, at = seq + 1, entry.at
        fields = _fields(clinic_id, seq, entry, keys.current)
        link = link_of(keys.of[keys.current], link, fields)
        rows.append({**fields, "link": link})
    session.execute(insert(AuditEvent), rows)
    session.execute(
        update(AuditHead)
        .where(AuditHead.clinic_id == clinic_id)
        .values(seq=seq, link=link, at=at)
        .execution_options(synchronize_session=False)
    )


def _held_head(session: Session, clinic_id: uuid.UUID) -> tuple[int, bytes]:
    """Seq and link of the clinic's last event, which nobody else can follow until we are done."""
    head = select(AuditHead.seq, AuditHead.link).where(AuditHead.clinic_id == clinic_id).with_for_update()
    found = session.execute(head).one_or_none()
    if found is None:
        session.execute(
            insert_or_leave(AuditHead).values(clinic_id=clinic_id, seq=0, link=FIRST).on_conflict_do_nothing()
        )
        found = session.execute(head).one()
    return found.seq, found.link


def _fields(clinic_id: uuid.UUID, seq: int, entry: Entry, key_id: str) -> Fields:
    by = entry.by
    actor = by if isinstance(by, Actor) else Actor.PATIENT if by.role is Role.PATIENT else Actor.MEMBER
    return {
        "clinic_id": clinic_id,
        "seq": seq,
        "at": entry.at,
        "actor": str(actor),
        "actor_id": None if isinstance(by, Actor) else by.id,
        "action": str(entry.action),
        "patients": list(entry.patients),
        "what": entry.what,
        "request_id": entry.request_id,
        "key_id": key_id,
    }


def _named(ids: Mapping[str, uuid.UUID]) -> dict[str, str]:
    return {name: str(value) for name, value in ids.items()}
