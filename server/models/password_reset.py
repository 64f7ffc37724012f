"""The link by which a member who forgot the password sets another."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE


class PasswordReset(Base):
    """The newest link that was mailed to a member, kept only as its SHA-256 (it has 256 random bits). Used, it goes."""

    __tablename__ = "password_reset"
    __table_args__ = (ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),)

    member_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    token_version: Mapped[int]
    """The member's, when the link was made: whatever ends the member's sign-ins voids the link, too."""
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    """After the mail server's 250."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)
