"""What a patient reported and we could not take is kept and shown to the care team; nothing is dropped in silence."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from server.errors import Conflict, NotFound
from server.extensions import db, keyring
from server.models import Patient, QuarantinedItem, Settled, hold_key
from server.services import audit
from server.services.holding import Held, hold
from server.services.identities import Identity
from server.services.keys import index_of
from server.services.pages import Cursor
from server.services.patients import hold_patient

# As much of one as is kept, in characters: far more than an honest report has.
LONGEST = 16_384
# Items of a patient's that nobody has settled yet. Beyond it no more are kept, and the list says so.
MOST = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """One item as it came, and what was wrong with it: the problem's type, and the fields to blame."""

    kind: str
    reported_id: uuid.UUID | None
    said: Mapping[str, Any]
    problem: str
    pointers: Sequence[str]


def keep(patient_id: uuid.UUID, refusals: Sequence[Refusal], now: datetime) -> None:
    """The same again, however often it is sent, is one row. Of whoever takes no part nothing is kept."""
    keep_of(hold(patient_id), refusals, now)


def keep_of(patient: Held, refusals: Sequence[Refusal], now: datetime) -> None:
    """As keep. The caller holds the patient's row."""
    if patient.withdrawn_at is not None:
        return
    hold_key(db.session.connection(), keyring())
    for refusal in refusals:
        if patient.quarantined < MOST:
            patient.quarantined += _kept(patient, refusal, now)
    patient.write()


def supersede(patient: Held, kind: str, reported_ids: Collection[uuid.UUID], now: datetime) -> None:
    """Reports under these ids were taken. The caller holds the patient's row."""
    if not patient.quarantined or not reported_ids:
        return
    waiting = update(QuarantinedItem).where(
        QuarantinedItem.patient_id == patient.id,
        QuarantinedItem.kind == kind,
        QuarantinedItem.reported_id.in_(reported_ids),
        QuarantinedItem.settled_at.is_(None),
    )
    settled = db.session.execute(
        waiting.values(settled_at=now, outcome=Settled.SUPERSEDED).execution_options(synchronize_session=False)
    )
    patient.quarantined -= settled.rowcount  # type: ignore[attr-defined]  # of an UPDATE


def list_quarantined(patient: Patient, cursor: Cursor | None, limit: int) -> Sequence[QuarantinedItem]:
    """Newest first, those that are settled too."""
    found = select(QuarantinedItem).where(QuarantinedItem.patient_id == patient.id)
    if cursor:
        before = tuple_(QuarantinedItem.received_at, QuarantinedItem.id) < tuple_(cursor.at, cursor.id)
        found = found.where(before)
    found = found.order_by(QuarantinedItem.received_at.desc(), QuarantinedItem.id.desc()).limit(limit)
    return db.session.scalars(found).all()


def settle(
    caller: Identity, patient_id: uuid.UUID, item_id: uuid.UUID, outcome: Settled, reason: str, now: datetime
) -> QuarantinedItem:
    """The same again changes nothing. Raises NotFound, alike for the missing and the foreign; Conflict once settled."""
    patient = hold_patient(caller, patient_id)
    item = db.session.scalar(
        select(QuarantinedItem).where(QuarantinedItem.patient_id == patient.id, QuarantinedItem.id == item_id)
    )
    if item is None:
        raise NotFound("There is no such item.")
    audit.concerns(patient.id, quarantined=item.id)
    if item.settled_at is not None:
        if (item.outcome, item.reason) != (outcome, reason):
            raise Conflict("This item was settled in another way.")
        return item
    item.settled_at, item.settled_by, item.outcome, item.reason = now, caller.id, outcome, reason
    patient.quarantined -= 1
    db.session.flush()
    return item


def _kept(patient: Held, refusal: Refusal, now: datetime) -> int:
    """How many rows more there are."""
    said = json.dumps(refusal.said, sort_keys=True, ensure_ascii=False)
    item_id = uuid.uuid4()
    sealed = keyring().seal(said[:LONGEST], QuarantinedItem.said.place((patient.id, item_id)))
    row = {
        "id": item_id,
        "patient_id": patient.id,
        "clinic_id": patient.clinic_id,
        "kind": refusal.kind,
        "reported_id": refusal.reported_id,
        "received_at": now,
        "digest": index_of("quarantined_item.said", said, patient.id, refusal.kind, refusal.reported_id),
        "said_sealed": sealed,
        "cut": len(said) > LONGEST,
        "problem": refusal.problem,
        "pointers": list(refusal.pointers),
    }
    new = insert(QuarantinedItem).values(row).on_conflict_do_nothing(index_elements=["patient_id", "digest"])
    return len(db.session.execute(new.returning(QuarantinedItem.id)).all())
