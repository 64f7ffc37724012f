"""Whether each clinic's chain of audited events is whole: none altered, missing, moved or cut off."""

import hmac
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from server.chain import FIRST, AuditKeys, Fields, link_of
from server.extensions import db, parts
from server.models import AuditEvent, AuditHead
from server.scope import enter, every_clinic

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ended, at the time that it was told: kept elsewhere, it shows later that nothing was cut off."""

    clinic_id: uuid.UUID
    seq: int
    link: bytes
    at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.clinic_id} {self.seq} {self.link.hex()} {self.at.isoformat() if self.at else '-'}"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first event of a chain that is not as it was written, and why."""

    seq: int
    why: str


def heads() -> Iterator[Head]:
    """Of every clinic of which anything was audited."""
    for clinic_id in every_clinic():
        enter(clinic_id)
        head = _head(clinic_id)
        if head is not None:
            yield head


def verify(clinic_id: uuid.UUID, kept: Sequence[Head], seen: Callable[[], object]) -> Broken | None:
    """Reads the whole chain, as it is at one moment, and calls `seen` for each event. None when it is whole.

    `kept` are heads of this clinic that were exported before. Ends the session's transaction.
    """
    db.session.rollback()
    enter(clinic_id)
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        return _verify(_head(clinic_id), clinic_id, kept, seen)
    finally:
        db.session.rollback()


def _verify(head: Head | None, clinic_id: uuid.UUID, kept: Sequence[Head], seen: Callable[[], object]) -> Broken | None:
    keys, seq, link = parts().settings.audit_keys, 0, FIRST
    with closing(_events(clinic_id)) as events:
        for fields, written in events:
            wrong = _wrong(fields, written, seq + 1, link, keys)
            if wrong:
                return Broken(seq + 1, wrong)
            seq, link = seq + 1, written
            if any(one.link != link for one in kept if one.seq == seq):
                return Broken(seq, "is not the event that the exported head tells of")
            seen()
    return _wrong_end(Head(clinic_id, seq, link), head, kept)


def _events(clinic_id: uuid.UUID) -> Generator[tuple[Fields, bytes]]:
    asked = select(*AuditEvent.__table__.columns).where(AuditEvent.clinic_id == clinic_id).order_by(AuditEvent.seq)
    with db.session.execute(asked.execution_options(yield_per=BATCH)) as found:
        for row in found.mappings():
            fields = dict(row)
            yield fields, fields.pop("link")


def _wrong(fields: Fields, written: bytes, seq: int, before: bytes, keys: AuditKeys) -> str | None:
    if fields["seq"] != seq:
        return "is missing"
    key = keys.of.get(fields["key_id"])
    if key is None:
        return "was linked under a key that AUDIT_KEYS lacks"
    if not hmac.compare_digest(link_of(key, before, fields), written):
        return "was altered, or is not in its place"
    return None


def _wrong_end(end: Head, head: Head | None, kept: Sequence[Head]) -> Broken | None:
    """Whether the chain ends where its head, and those that were exported, say."""
    last = max((one.seq for one in kept), default=0)
    if last > end.seq:
        return Broken(end.seq + 1, f"is cut off: an exported head tells of it, and of all up to event {last}")
    if head is None:
        return Broken(end.seq, "has no head after it") if end.seq else None
    if head.seq > end.seq:
        return Broken(end.seq + 1, "is cut off: the head tells of it")
    if head.seq < end.seq:
        return Broken(head.seq + 1, "is not what the head tells of")
    return None if head.link == end.link else Broken(end.seq, "is not what the head tells of")


def _head(clinic_id: uuid.UUID) -> Head | None:
    found = db.session.execute(
        select(AuditHead.clinic_id, AuditHead.seq, AuditHead.link, AuditHead.at).where(AuditHead.clinic_id == clinic_id)
    ).one_or_none()
    return Head(*found) if found else None
