"""The daily check-in, and what it said before it was edited."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.reported import Answer, Reported
from server.models.sealed import Sealed
from server.models.types import choice

RATINGS = ("craving", "mood", "sleep_quality", "stress", "confidence")


class CheckInContent(Reported):
    """What a check-in says, besides what every report does."""

    form_version: Mapped[str]
    craving: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    mood: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    sleep_quality: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    stress: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    confidence: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    substances: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    medication_taken: Mapped[Answer | None] = mapped_column(choice(Answer, "medication_taken"))
    self_harm_thoughts: Mapped[Answer | None] = mapped_column(choice(Answer, "self_harm_thoughts"))


class CheckIn(CheckInContent, Base):
    """What a patient reported. Every report is kept; one counts for its local day."""

    __tablename__ = "check_in"
    __table_args__ = (
        *(CheckConstraint(f"{name} BETWEEN 0 AND 10", name=name) for name in RATINGS),
        CheckConstraint("craving IS NOT NULL OR mood IS NOT NULL", name="says_something"),
        Index("uq_check_in_counts", "patient_id", "day", unique=True, postgresql_where=text("counts")),
        Index("ix_check_in_patient_id_recorded_at_id", "patient_id", "recorded_at", "id"),
        Index("ix_check_in_patient_id_change", "patient_id", "change"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    counts: Mapped[bool]
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    """1, and one more with each edit."""
    edited_at: Mapped[datetime | None]
    """When the version in force came; None for the first."""
    change: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Which of the patient's changes touched it last (Patient.changes)."""

    note = Sealed[str | None]("patient_id", "id")


class CheckInVersion(CheckInContent, Base):
    """What a check-in said before an edit. Only ever added."""

    __tablename__ = "check_in_version"
    __table_args__ = (
        PrimaryKeyConstraint("patient_id", "id", "version"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    replaced_at: Mapped[datetime]

    note = Sealed[str | None]("patient_id", "id", "version")
