"""A course of treatment and its TMS sessions."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE, choice


class Indication(StrEnum):
    NICOTINE = "nicotine"
    COCAINE = "cocaine"
    ALCOHOL = "alcohol"
    OPIOIDS = "opioids"
    METHAMPHETAMINE = "methamphetamine"
    CANNABIS = "cannabis"
    GAMBLING = "gambling"
    OTHER = "other"


class Target(StrEnum):
    """Where the coil stimulates."""

    LEFT_DLPFC = "left_dlpfc"
    RIGHT_DLPFC = "right_dlpfc"
    INSULA = "insula"
    MEDIAL_PREFRONTAL = "medial_prefrontal"
    OTHER = "other"


class Weekday(StrEnum):
    """In calendar order, Monday first, as date.weekday() counts."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class SessionState(StrEnum):
    SCHEDULED = "scheduled"
    ATTENDED = "attended"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Course(Base):
    __tablename__ = "course"
    __table_args__ = (
        CheckConstraint("planned_sessions BETWEEN 1 AND 100", name="planned_sessions"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    patient_id: Mapped[uuid.UUID] = mapped_column(index=True)
    indication: Mapped[Indication] = mapped_column(choice(Indication, "indication"))
    target: Mapped[Target] = mapped_column(choice(Target, "target"))
    protocol: Mapped[str]
    planned_sessions: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime]
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    sessions: Mapped[list["TmsSession"]] = relationship(order_by="TmsSession.number", back_populates="course")


class TmsSession(Base):
    """One TMS session: its number in the course, and the local day it is planned for."""

    __tablename__ = "session"
    __table_args__ = (
        UniqueConstraint("course_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        Index("ix_session_patient_id_starts_at", "patient_id", "starts_at"),
        Index("ix_session_patient_id_change", "patient_id", "change"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("course.id"))
    patient_id: Mapped[uuid.UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    day: Mapped[date]
    starts_at: Mapped[datetime]
    state: Mapped[SessionState] = mapped_column(choice(SessionState, "state"), default=SessionState.SCHEDULED)
    change: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Which of the patient's changes touched it last (Patient.changes)."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    course: Mapped[Course] = relationship(back_populates="sessions")
