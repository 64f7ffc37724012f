"""What a patient reported and we could not take: kept as it came, until a person or a later report settles it."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE, choice


class Settled(StrEnum):
    """How a quarantined item was settled."""

    ENTERED = "entered"
    """Somebody asked the patient, and what was meant is in the record."""
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"
    """A later report under the same id was taken."""


class QuarantinedItem(Base):
    __tablename__ = "quarantined_item"
    __table_args__ = (
        # The same again, however often a phone sends it, is one row.
        UniqueConstraint("patient_id", "digest"),
        CheckConstraint("kind IN ('check_in', 'urge', 'unknown')", name="kind"),
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled"),
        CheckConstraint("(settled_by IS NULL) = (reason_sealed IS NULL)", name="reason_given"),
        Index("ix_quarantined_item_patient_id_received_at_id", "patient_id", "received_at", "id"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    patient_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    reported_id: Mapped[uuid.UUID | None]
    """The phone's own id; None where it gave none that is one."""
    received_at: Mapped[datetime]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """An HMAC of what was sent."""
    said_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    cut: Mapped[bool]
    """Whether it was longer than what is kept of it."""
    problem: Mapped[str]
    pointers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Which fields are to blame, by JSON pointer; never what they said."""
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    """None for what a later report settled."""
    outcome: Mapped[Settled | None] = mapped_column(choice(Settled, "outcome"))
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    said = Sealed[str]("patient_id", "id")
    """JSON."""
    reason = Sealed[str | None]("patient_id", "id")
