"""A momentary craving episode, any number a day, and what it said before it was edited."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.reported import Reported
from server.models.sealed import Sealed


class UrgeContent(Reported):
    """What an urge says, besides what every report does. `used` is whether it was given in to."""

    craving: Mapped[Decimal] = mapped_column(Numeric(3, 1))


class Urge(UrgeContent, Base):
    __tablename__ = "urge"
    __table_args__ = (
        CheckConstraint("craving BETWEEN 0 AND 10", name="craving"),
        Index("ix_urge_patient_id_recorded_at_id", "patient_id", "recorded_at", "id"),
        Index("ix_urge_patient_id_change", "patient_id", "change"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    """1, and one more with each edit."""
    edited_at: Mapped[datetime | None]
    """When the version in force came; None for the first."""
    change: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Which of the patient's changes touched it last (Patient.changes)."""

    note = Sealed[str | None]("patient_id", "id")


class UrgeVersion(UrgeContent, Base):
    """What an urge said before an edit. Only ever added."""

    __tablename__ = "urge_version"
    __table_args__ = (
        PrimaryKeyConstraint("patient_id", "id", "version"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    replaced_at: Mapped[datetime]

    note = Sealed[str | None]("patient_id", "id", "version")
