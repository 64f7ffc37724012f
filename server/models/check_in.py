"""The daily check-in."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE, choice


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    RATHER_NOT_SAY = "rather_not_say"


RATINGS = ("craving", "mood", "sleep_quality", "stress", "confidence")


class CheckIn(Base):
    """What a patient reported. Every report is kept; one counts for its local day.

    The phone makes the id, and (patient, id) is the key: ids can be neither probed nor squatted.
    """

    __tablename__ = "check_in"
    __table_args__ = (
        *(CheckConstraint(f"{name} BETWEEN 0 AND 10", name=name) for name in RATINGS),
        CheckConstraint("craving IS NOT NULL OR mood IS NOT NULL", name="says_something"),
        Index("uq_check_in_counts", "patient_id", "day", unique=True, postgresql_where=text("counts")),
        Index("ix_check_in_patient_id_recorded_at_id", "patient_id", "recorded_at", "id"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]
    zone: Mapped[str]
    offset_minutes: Mapped[int] = mapped_column(SmallInteger)
    offset_known: Mapped[bool]
    """False when the zone never has this offset: an old zone table on the phone."""
    received_at: Mapped[datetime]
    day: Mapped[date]
    counts: Mapped[bool]
    form_version: Mapped[str]
    craving: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    mood: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    sleep_quality: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    stress: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    confidence: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    used: Mapped[Answer | None] = mapped_column(choice(Answer, "used"))
    substances: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    medication_taken: Mapped[Answer | None] = mapped_column(choice(Answer, "medication_taken"))
    triggers: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    self_harm_thoughts: Mapped[Answer | None] = mapped_column(choice(Answer, "self_harm_thoughts"))
    note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    note = Sealed[str | None]("patient_id", "id")
