"""A clinic, the people who work there, and who cares for whom."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.extensions import Base
from server.models.sealed import Sealed
from server.models.types import choice


class Clinic(Base):
    __tablename__ = "clinic"
    __table_args__ = (CheckConstraint("day_starts_at BETWEEN 0 AND 8", name="day_starts_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str]
    zone: Mapped[str]
    day_starts_at: Mapped[int] = mapped_column(SmallInteger, default=4)
    """The hour of the local clock at which a day begins: 01:30 belongs to the evening before."""
    live: Mapped[bool] = mapped_column(default=True)
    """False for a replay: no tick assesses it and no mail leaves it."""
    mfa_required: Mapped[bool] = mapped_column(default=False)
    """Whether every member needs a second step; admins always do."""
    created_at: Mapped[datetime]


class Role(StrEnum):
    """Who can sign in."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"
    """Keeps the schedule of the clinic's patients, and sees who checks in and not what they say."""
    ADMIN = "admin"


class Member(Base):
    """Somebody who works at a clinic."""

    __tablename__ = "member"
    __table_args__ = (
        CheckConstraint("role IN ('clinician', 'coordinator', 'admin')", name="works_here"),
        # What refers to a member names the clinic too, so that the two cannot disagree.
        UniqueConstraint("id", "clinic_id"),
        CheckConstraint("totp_since IS NULL OR totp_sealed IS NOT NULL", name="totp"),
        CheckConstraint("(bounced_at IS NULL) = (bounce_status IS NULL)", name="bounced"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), index=True)
    role: Mapped[Role] = mapped_column(choice(Role, "role"))
    name: Mapped[str]
    email_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    email_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    """What the address is found by."""
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    token_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    bounced_at: Mapped[datetime | None]
    """Since when mail to the address comes back: until it is mended, nobody is counted on to read it."""
    bounce_status: Mapped[str | None]

    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_since: Mapped[datetime | None]
    """Since when each sign-in asks for a code; None with a secret: it was begun and not confirmed."""
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The last step whose code was used: neither it nor an earlier one works again."""
    recovery_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), default=list)

    email = Sealed[str]("id")
    totp = Sealed[str | None]("id")

    clinic: Mapped[Clinic] = relationship(lazy="joined", innerjoin=True)

    @property
    def must_enrol(self) -> bool:
        """Whether this member may do nothing but set a second step up."""
        return self.totp_since is None and (self.role is Role.ADMIN or self.clinic.mfa_required)
