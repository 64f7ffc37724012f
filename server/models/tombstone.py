"""What is gone of what a phone may have, so that it forgets it, too."""

import uuid

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE


class Tombstone(Base):
    __tablename__ = "tombstone"
    __table_args__ = (
        Index("ix_tombstone_patient_id_change", "patient_id", "change"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    change: Mapped[int] = mapped_column(BigInteger)
    """Which of the patient's changes it was (Patient.changes)."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)
