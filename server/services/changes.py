"""What changed of what a patient's phones show, numbered for each patient, so that a phone asks only for what is new.

A number is taken under the lock of the patient's row and shows when that transaction commits; whoever reads under the
same lock sees every number up to the last. So none comes to light behind the back of a cursor.
"""

import base64
import binascii
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from server.errors import Refused
from server.extensions import db
from server.models import CheckIn, Patient, TmsSession, Tombstone, Urge
from server.services.holding import Held

# So many changes are told at once; a phone asks again for the rest.
AT_ONCE = 500
PROFILE = frozenset(("zone", "language", "region", "reminder_time"))
KINDS: dict[str, type[Any]] = {"check_ins": CheckIn, "urges": Urge, "sessions": TmsSession, "gone": Tombstone}
# Built once: each phone asks all of them.
_NEWER = {
    model: select(model)
    .where(model.patient_id == bindparam("patient_id"), model.change > bindparam("since"))
    .order_by(model.change)
    .limit(AT_ONCE + 1)
    for model in KINDS.values()
}


@dataclass(frozen=True, slots=True)
class Changes:
    """By kind, in the order in which they changed; `profile` is the patient if anything of it did."""

    rows: dict[str, list[Any]]
    profile: Held | None
    cursor: str
    more: bool
    reset: bool
    """The cursor was of another past than ours (a backup was restored): these are from the beginning."""


def number(patient: Patient, row: TmsSession) -> None:
    """The row is new or changed. The caller holds the patient's row."""
    patient.changes += 1
    row.change = patient.changes


def profile_changed(patient: Patient, *names: str) -> None:
    """These attributes were set. The caller holds the row."""
    if not PROFILE.isdisjoint(names):
        patient.changes += 1
        patient.profile_change = patient.changes


def gone(patient: Patient, kind: str, row_id: uuid.UUID) -> None:
    """A row that a phone may have is there no more. The caller holds the patient's row."""
    patient.changes += 1
    db.session.add(
        Tombstone(patient_id=patient.id, clinic_id=patient.clinic_id, kind=kind, id=row_id, change=patient.changes)
    )


def changes_since(patient: Held, cursor: str | None, known: Collection[uuid.UUID] = ()) -> Changes:
    """`known`: whose change is the phone's own of a moment ago. The caller holds the patient's row, and has flushed.

    Raises Refused for a cursor that is not one of ours.
    """
    since = parse_change(cursor)
    reset = since > patient.changes
    if reset:
        since = 0
    found: dict[str, Sequence[Any]] = dict.fromkeys(KINDS, ())
    # Each of the phone's own took one number.
    if patient.changes - since > len(known):
        found = {kind: _rows(patient.id, model, since) for kind, model in KINDS.items()}
    numbers = sorted(row.change for rows in found.values() for row in rows)
    more = len(numbers) > AT_ONCE
    through = numbers[AT_ONCE - 1] if more else patient.changes
    rows = {
        kind: [row for row in listed if row.change <= through and row.id not in known] for kind, listed in found.items()
    }
    profile = patient if since < patient.profile_change <= through or cursor is None else None
    return Changes(rows, profile, _cursor(through), more, reset)


def parse_change(cursor: str | None) -> int:
    """Raises Refused."""
    if cursor is None:
        return 0
    try:
        version, _, number = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).partition(b".")
        if version != b"1" or not number.isdigit() or len(number) > 18:
            raise ValueError
        return int(number)
    except (ValueError, binascii.Error) as error:
        raise Refused("cursor", "This cursor is not one of ours.") from error


def _cursor(change: int) -> str:
    return base64.urlsafe_b64encode(b"1.%d" % change).decode()


def _rows(patient_id: uuid.UUID, model: type[Any], since: int) -> Sequence[Any]:
    return db.session.scalars(_NEWER[model], {"patient_id": patient_id, "since": since}).all()
