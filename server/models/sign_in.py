"""A sign-in: one device, from when it signed in until it may no longer."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import choice


class Ended(StrEnum):
    """Why a sign-in was ended before its time."""

    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    REVOKED = "revoked"
    """From another device of the same account."""
    REPLACED = "replaced"
    """By a sign-in that takes its place: a new invite, or the same browser again."""
    REUSED = "reused"
    """A refresh token came back that had been used before: somebody has a copy."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # a reason, not a password  # nosec B105  # no secret
    ROLE_CHANGED = "role_changed"
    DISABLED = "disabled"
    SECOND_STEP = "second_step"
    """It came in without the second step that was set up meanwhile, or that was reset."""


class SignIn(Base):
    """A family of tokens: each refresh hands on to the next pair, and all of them end together.

    Both tokens of a pair carry the same random text. Only its SHA-256 is kept, so that neither the database nor a
    signing key, nor the two together, are enough to make a token that works.
    """

    __tablename__ = "sign_in"
    __table_args__ = (
        CheckConstraint("num_nonnulls(member_id, patient_id) = 1", name="one_account"),
        CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended"),
        CheckConstraint("retry_until IS NULL OR previous_hash IS NOT NULL", name="retry"),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
        UniqueConstraint("id", "clinic_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"))
    member_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    patient_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    device: Mapped[str | None]
    """What its owner calls it."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    """To the quarter of an hour."""
    ends_at: Mapped[datetime]
    """When the last token that it gave out has ended."""
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[Ended | None] = mapped_column(choice(Ended, "ended_why"))
    current_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    """Of the pair whose refresh token gave the current one; its access token lives out its minutes."""
    retry_until: Mapped[datetime | None]
    """Until then the previous refresh token may come once more, for its answer may have been lost."""
