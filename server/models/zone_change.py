"""In which zones a patient was, since when, and who said so."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE, choice


class ZoneFrom(StrEnum):
    """Where we have a zone from."""

    CLINIC = "clinic"
    ENROLLMENT = "enrollment"
    """The phone that redeemed an invite."""
    PATIENT = "patient"
    UNKNOWN = "unknown"
    """Of before the history was kept."""


class ZoneChange(Base):
    """One line of a patient's history of zones, which is only ever added to."""

    __tablename__ = "zone_change"
    __table_args__ = (
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3; counted under the lock of the patient's row."""
    zone: Mapped[str]
    since: Mapped[datetime]
    told_by: Mapped[ZoneFrom] = mapped_column(choice(ZoneFrom, "told_by"))
    member_id: Mapped[uuid.UUID | None]
    """Whoever of the clinic it was."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)
