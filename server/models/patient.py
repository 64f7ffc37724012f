"""A patient, the care team, the pauses, and the invite that lets the phone in."""

import uuid
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.extensions import Base
from server.models.clinic import Clinic, Member
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE, choice


class Patient(Base):
    __tablename__ = "patient"
    __table_args__ = (
        CheckConstraint("monitored_until >= monitored_from", name="monitored"),
        # What is due is one indexed look-up, however many patients there are.
        Index("ix_patient_remind_due_at", "remind_due_at"),
        CheckConstraint("(reminder_time IS NULL) = (remind_due_at IS NULL)", name="reminder"),
        # What refers to a patient names the clinic too, so that the two cannot disagree.
        UniqueConstraint("id", "clinic_id"),
        # Each report counts in `changes`: with room in the page, none of the many indexes is touched for it.
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    """What the patient signs in with, and all that staff pages call the patient by."""
    reference_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    reference_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    """What keeps the reference unique in its clinic."""
    zone: Mapped[str]
    """Where the patient is now; ZoneChange has where before."""
    days_cut_short: Mapped[list[date]] = mapped_column(ARRAY(Date()), server_default=text("'{}'"), default=list)
    """The local days of which travel took too much to miss a check-in on them: what the zones until now make of it."""
    closed_elsewhere: Mapped[date | None]
    """The last local day that was closed before the patient came to the present zone."""
    language: Mapped[str]
    region: Mapped[str]
    """ISO 3166 country, optionally with its subdivision: decides the crisis lines."""
    monitored_from: Mapped[date | None]
    monitored_until: Mapped[date | None]
    password_hash: Mapped[str | None]
    """None until the invite is redeemed."""
    active: Mapped[bool] = mapped_column(default=True)
    token_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    """Since when the patient takes no part: no consent of participation is in force, and nobody assesses."""

    changes: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    """How often something changed that the patient's phones show; counted under the lock of this row."""
    profile_change: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    """Which of them touched the profile last."""

    quarantined: Mapped[int] = mapped_column(Integer, server_default=text("0"), default=0)
    """How many of the patient's quarantined items nobody has settled yet; counted under the lock of this row."""
    reminder_time: Mapped[time | None]
    """By the patient's own wall clock; None: no reminders."""
    remind_due_at: Mapped[datetime | None]
    """The next instant of that time."""
    remind_queued_at: Mapped[datetime | None]
    reminded_on: Mapped[date | None]
    """The last local day that had its reminder: none has two."""

    reference = Sealed[str | None]("clinic_id", "id")
    """The clinic's own reference, such as a chart number."""

    clinic: Mapped[Clinic] = relationship(lazy="joined", innerjoin=True)
    team: Mapped[list["CareTeam"]] = relationship(
        order_by="CareTeam.position", viewonly=True, foreign_keys="CareTeam.patient_id"
    )
    pauses: Mapped[list["Pause"]] = relationship(order_by="Pause.begun_at", foreign_keys="Pause.patient_id")

    @property
    def enrolled(self) -> bool:
        return self.password_hash is not None

    @property
    def paused(self) -> bool:
        """Whether the clinic paused, and has not lifted it."""
        return any(pause.last_day is None and pause.why is PausedWhy.CLINIC for pause in self.pauses)

    @property
    def care_team(self) -> list[uuid.UUID]:
        return [place.member_id for place in self.team]


# How a patient's row is held by whoever decides about it. Without `of`, PostgreSQL would lock the clinic's row too,
# and all of the clinic would wait; without `key_share`, whoever writes a row that refers to the patient would wait,
# and could wait for us: resolving an alert and assessing its patient deadlocked.
PATIENT_HELD: dict[str, Any] = {"of": Patient, "key_share": True}


class CareTeam(Base):
    """One clinician who cares for one patient; alerts go out in the order of position."""

    __tablename__ = "care_team"
    __table_args__ = (
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    member: Mapped[Member] = relationship(lazy="joined", innerjoin=True, foreign_keys=member_id)


class PausedWhy(StrEnum):
    CLINIC = "clinic"
    WITHDRAWAL = "withdrawal"
    """The patient took no part for a while."""


class Pause(Base):
    """Local days of the patient on which silence means nothing; no last day while it lasts."""

    __tablename__ = "pause"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days"),
        CheckConstraint("(last_day IS NULL) = (ended_at IS NULL)", name="ended"),
        Index("uq_pause_open", "patient_id", "why", unique=True, postgresql_where=text("last_day IS NULL")),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    patient_id: Mapped[uuid.UUID] = mapped_column(index=True)
    why: Mapped[PausedWhy] = mapped_column(choice(PausedWhy, "why"), default=PausedWhy.CLINIC)
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    begun_at: Mapped[datetime]
    begun_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    """None for a withdrawal, and for a pause of before they were dated."""
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)


class Invite(Base):
    """A single-use code, kept only as its SHA-256 (it has 60 random bits)."""

    __tablename__ = "invite"
    __table_args__ = (ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    patient_id: Mapped[uuid.UUID] = mapped_column(index=True)
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]
    device: Mapped[str | None]
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True, foreign_keys=patient_id)
