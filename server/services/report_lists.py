"""Reading what phones reported, of whatever kind."""

import uuid
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import select, tuple_

from server.extensions import db
from server.models import CheckIn, CheckInVersion, Urge, UrgeVersion
from server.services.pages import Cursor

Report = TypeVar("Report", CheckIn, Urge)
Version = TypeVar("Version", CheckInVersion, UrgeVersion)


def newest_first(kind: type[Report], patient_id: uuid.UUID, cursor: Cursor | None, limit: int) -> Sequence[Report]:
    """One page of a patient's reports of a kind."""
    found = select(kind).where(kind.patient_id == patient_id)
    if cursor:
        found = found.where(tuple_(kind.recorded_at, kind.id) < tuple_(cursor.at, cursor.id))
    return db.session.scalars(found.order_by(kind.recorded_at.desc(), kind.id.desc()).limit(limit)).all()


def versions_of(kind: type[Version], patient_id: uuid.UUID, report_id: uuid.UUID) -> Sequence[Version]:
    """What a report said before each edit, the latest first; none for what was never edited."""
    found = select(kind).where(kind.patient_id == patient_id, kind.id == report_id)
    return db.session.scalars(found.order_by(kind.version.desc())).all()
