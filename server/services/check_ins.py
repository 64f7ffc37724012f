"""Storing a check-in: the day rule, idempotence by the phone's own id, and which report counts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_, update

from server.clock import wall_day
from server.errors import Conflict, ParticipationWithdrawn, Refused
from server.extensions import db
from server.models import PATIENT_HELD, Answer, CheckIn, Patient
from server.services.clinics import check_zone
from server.services.pages import Cursor
from server.services.replays import replay_from
from server.services.safety import raise_safety_concern

AHEAD = timedelta(minutes=5)
BACK = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Stored:
    check_in: CheckIn
    created: bool


def put_check_in(patient_id: uuid.UUID, check_in_id: uuid.UUID, fields: dict[str, Any], now: datetime) -> Stored:
    """Stores one check-in under the id that the phone made; the same content again changes nothing.

    `fields` are the validated body; `recorded_at` is aware, in the offset that the phone sent.
    Raises Refused for a time that cannot be right, Conflict for other content under a known id, and
    ParticipationWithdrawn for whoever takes no part.
    """
    # The patient's row is the lock: which report counts, and what is due, are decided by one writer at a time.
    patient = db.session.get_one(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    recorded_at: datetime = fields["recorded_at"]
    known = db.session.get(CheckIn, (patient_id, check_in_id))
    if known is not None:
        if _differs(known, fields):
            raise Conflict("Another check-in was stored under this id. A new check-in needs a new id.")
        return Stored(known, created=False)
    if patient.withdrawn_at is not None:
        raise ParticipationWithdrawn("You take no part, so check-ins are not taken. You can grant it again.")
    _check_time(recorded_at, now)
    zone = check_zone(fields["zone"])
    wall = _wall_time(recorded_at, zone)
    offset = wall.utcoffset() or timedelta(0)
    check_in = CheckIn(
        patient_id=patient_id,
        id=check_in_id,
        received_at=now,
        offset_minutes=round(offset.total_seconds() / 60),
        offset_known=recorded_at.astimezone(ZoneInfo(zone)).utcoffset() == offset,
        day=wall_day(wall, patient.clinic.day_starts_at),
        counts=True,
        **fields,
    )
    check_in.counts = _take_the_day(check_in)
    db.session.add(check_in)
    if check_in.counts:
        replay_from(patient, check_in.day)
    patient.assess_due_at = min(now, patient.assess_due_at or now)
    db.session.flush()
    if check_in.self_harm_thoughts == Answer.YES:
        # What cannot wait for a tick is raised here, in the transaction that stores the answer.
        raise_safety_concern(patient, check_in.day, now)
    return Stored(check_in, created=True)


def list_check_ins(patient_id: uuid.UUID, cursor: Cursor | None, limit: int) -> Sequence[CheckIn]:
    """Newest first."""
    found = (
        select(CheckIn)
        .where(CheckIn.patient_id == patient_id)
        .order_by(CheckIn.recorded_at.desc(), CheckIn.id.desc())
        .limit(limit)
    )
    if cursor:
        found = found.where(tuple_(CheckIn.recorded_at, CheckIn.id) < tuple_(cursor.at, cursor.id))
    return db.session.scalars(found).all()


def counting(patient_id: uuid.UUID, since: date | None = None) -> Sequence[CheckIn]:
    """The check-in that counts for each local day, oldest first."""
    found = select(CheckIn).where(CheckIn.patient_id == patient_id, CheckIn.counts).order_by(CheckIn.day)
    if since:
        found = found.where(CheckIn.day >= since)
    return db.session.scalars(found).all()


def _check_time(recorded_at: datetime, now: datetime) -> None:
    if recorded_at > now + AHEAD:
        raise Refused("recorded_at", "This time is in the future: is the phone's clock right?")
    if recorded_at < now - BACK:
        raise Refused("recorded_at", f"This time is more than {BACK.days} days back.")


def _wall_time(recorded_at: datetime, zone: str) -> datetime:
    """What the phone's clock showed.

    An offset that the zone does not have (an old zone table) is the phone's own truth; but Z, which is what many
    clients write for any instant, says nothing of the wall, and the zone does (RFC 9557, 2.2).
    """
    return recorded_at if recorded_at.utcoffset() else recorded_at.astimezone(ZoneInfo(zone))


def _take_the_day(check_in: CheckIn) -> bool:
    """Whether this one counts for its day: the latest recorded_at does, then the greatest id."""
    holder = db.session.scalar(
        select(CheckIn).where(CheckIn.patient_id == check_in.patient_id, CheckIn.day == check_in.day, CheckIn.counts)
    )
    if holder is None:
        return True
    if (holder.recorded_at, holder.id) > (check_in.recorded_at, check_in.id):
        return False
    db.session.execute(
        update(CheckIn).where(CheckIn.patient_id == holder.patient_id, CheckIn.id == holder.id).values(counts=False)
    )
    return True


def _differs(known: CheckIn, fields: dict[str, Any]) -> bool:
    said = {**_ABSENT, **fields}
    wall = _wall_time(said["recorded_at"], check_zone(said["zone"]))
    offset = round((wall.utcoffset() or timedelta(0)).total_seconds() / 60)
    return offset != known.offset_minutes or any(getattr(known, name) != value for name, value in said.items())


_ABSENT: dict[str, Any] = {
    "craving": None,
    "mood": None,
    "sleep_quality": None,
    "stress": None,
    "confidence": None,
    "used": None,
    "substances": [],
    "medication_taken": None,
    "triggers": [],
    "self_harm_thoughts": None,
    "note": None,
}
