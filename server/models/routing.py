"""To whom a clinic's alerts go, and when: its deadlines and hours, who is on call, who is away and for whom."""

import uuid
from datetime import date, datetime, time

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.extensions import Base
from server.models.clinic import Member
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE

DEADLINES = "urgent_minutes BETWEEN 5 AND 1440 AND prompt_minutes BETWEEN 15 AND 10080 AND routine_minutes >= 60"


class Routing(Base):
    """A clinic's own; times are by the clock of the clinic."""

    __tablename__ = "routing"
    __table_args__ = (
        CheckConstraint(DEADLINES, name="deadlines"),
        CheckConstraint("routine_minutes <= 20160", name="routine"),
        CheckConstraint("(webhook_url_sealed IS NULL) = (webhook_secret_sealed IS NULL)", name="webhook"),
    )

    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), primary_key=True)
    urgent_minutes: Mapped[int] = mapped_column(SmallInteger, default=15)
    """For how long an alert of this severity waits to be acknowledged before the next person hears of it."""
    prompt_minutes: Mapped[int] = mapped_column(SmallInteger, default=240)
    routine_minutes: Mapped[int] = mapped_column(SmallInteger, default=2880)
    quiet_from: Mapped[time] = mapped_column(default=time(19))
    """From here to quiet_until nothing routine escalates, and who is on call hears of urgent alerts first."""
    quiet_until: Mapped[time] = mapped_column(default=time(7))
    digest_at: Mapped[time] = mapped_column(default=time(7, 30))
    digest_due_at: Mapped[datetime] = mapped_column(index=True)
    """The next instant of that time."""
    digest_queued_at: Mapped[datetime | None]
    escalation_email_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    webhook_url_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    webhook_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    escalation_email = Sealed[str | None]("clinic_id")
    """The clinic's own address that hears of what nobody acknowledged."""
    webhook_url = Sealed[str | None]("clinic_id")
    webhook_secret = Sealed[str | None]("clinic_id")


class OnCall(Base):
    """A clinician who hears of every patient's urgent alerts, from an instant until another."""

    __tablename__ = "on_call"
    __table_args__ = (
        CheckConstraint("ends_at > begins_at", name="times"),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    member_id: Mapped[uuid.UUID] = mapped_column(index=True)
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    member: Mapped[Member] = relationship(lazy="joined", innerjoin=True, foreign_keys="OnCall.member_id")


class Absence(Base):
    """Local days of the clinic on which a clinician is away; the deputy hears of the alerts meanwhile."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days"),
        CheckConstraint("deputy_id <> member_id", name="deputy"),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
        ForeignKeyConstraint(["deputy_id", "clinic_id"], ["member.id", "member.clinic_id"]),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    member_id: Mapped[uuid.UUID] = mapped_column(index=True)
    deputy_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    created_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("member.id"))
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    deputy: Mapped[Member | None] = relationship(lazy="joined", foreign_keys="Absence.deputy_id")
