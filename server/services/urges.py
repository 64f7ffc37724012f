"""Urges: momentary craving episodes, any number a day. The trend engine does not read them."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from server.errors import NotFound
from server.extensions import db
from server.models import Urge, UrgeVersion
from server.services.holding import Held, hold
from server.services.pages import Cursor
from server.services.quarantine import supersede
from server.services.report_lists import newest_first, versions_of
from server.services.reports import Desk, Kind, Result, Sent, Stored, answer

ABSENT: dict[str, Any] = {"used": None, "triggers": [], "note": None}
URGE = Kind("urge", Urge, UrgeVersion, ABSENT)


def put_urge(
    patient_id: uuid.UUID,
    urge_id: uuid.UUID,
    fields: dict[str, Any],
    now: datetime,
    if_match: Collection[str] | None = None,
    held: Held | None = None,
) -> Stored:
    """Stores one under the id that the phone made; the same content again changes nothing. Raises as put_check_in."""
    patient = held or hold(patient_id)
    (result,) = store(patient, [Sent(urge_id, fields, if_match)], now)
    return Stored(result.outcome, answer(URGE, result.stored()), patient.region)


def store(patient: Held, sent: Sequence[Sent], now: datetime) -> list[Result]:
    """What became of each, in the order of `sent`. The caller holds the patient's row."""
    table = URGE.table
    known = db.session.execute(
        select(table).where(table.c.patient_id == patient.id, table.c.id.in_([one.id for one in sent]))
    )
    desk = Desk(patient, URGE, [dict(row) for row in known.mappings()], now)
    results = desk.take(sent)
    supersede(patient, URGE.name, desk.said_anew(), now)
    desk.write()
    return results


def get_urge(patient_id: uuid.UUID, urge_id: uuid.UUID) -> Urge:
    found = db.session.get(Urge, (patient_id, urge_id))
    if found is None:
        raise NotFound("There is no such urge.")
    return found


def earlier_versions(patient_id: uuid.UUID, urge_id: uuid.UUID) -> Sequence[UrgeVersion]:
    """What it said before each edit, the latest first. Raises NotFound."""
    get_urge(patient_id, urge_id)
    return versions_of(UrgeVersion, patient_id, urge_id)


def list_urges(patient_id: uuid.UUID, cursor: Cursor | None, limit: int) -> Sequence[Urge]:
    """Newest first."""
    return newest_first(Urge, patient_id, cursor, limit)
