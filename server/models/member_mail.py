"""A mail to one member that is no alert's own: a digest of the morning, an admin's alarm, a word about the account."""

import uuid
from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.extensions import Base
from server.models.clinic import Member
from server.models.outgoing import Outgoing
from server.models.sealed import Sealed
from server.models.types import choice


class MemberMailKind(StrEnum):
    DIGEST = "digest"
    ALARM = "alarm"
    """To an admin: an alert is with nobody, for it can be told to nobody or nobody took it on."""
    ACCOUNT = "account"
    """To a member: how they sign in, or where their mail goes, was changed."""


class AccountChange(StrEnum):
    EMAIL = "email"
    PASSWORD = "password"  # noqa: S105  # what was changed, and no password  # nosec B105
    SECOND_STEP_SET_UP = "second_step_set_up"
    SECOND_STEP_REMOVED = "second_step_removed"


class MemberMail(Outgoing, Base):
    """Its counts are of when it was made, so that the same mail sent again says the same."""

    __tablename__ = "member_mail"
    __table_args__ = (
        CheckConstraint("state NOT IN ('in_digest')", name="not_in_digest"),
        CheckConstraint("(state IN ('sent', 'bounced')) = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("(kind = 'alarm') = (alert_id IS NOT NULL)", name="about"),
        CheckConstraint("(kind = 'account') = (changed IS NOT NULL)", name="account"),
        Index("uq_member_mail_digest", "member_id", "day", unique=True, postgresql_where=text("kind = 'digest'")),
        UniqueConstraint("member_id", "alert_id"),
        UniqueConstraint("id", "clinic_id"),
        Index("ix_member_mail_due_at", "due_at", postgresql_where=text("state = 'queued'")),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
        ForeignKeyConstraint(["alert_id", "clinic_id"], ["alert.id", "alert.clinic_id"]),
    )

    kind: Mapped[MemberMailKind] = mapped_column(choice(MemberMailKind, "kind"))
    member_id: Mapped[uuid.UUID]
    alert_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    """Of an alarm: the alert that nobody could be told of."""
    day: Mapped[date]
    """The clinic's local day: of digests there is one a day at most."""
    urgent: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Of a digest: how many alerts of this severity nobody has acknowledged."""
    prompt: Mapped[int] = mapped_column(SmallInteger, default=0)
    routine: Mapped[int] = mapped_column(SmallInteger, default=0)
    unrouted: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Of an alarm: how many alerts are with nobody, and how many mails about open ones cannot be delivered."""
    undeliverable: Mapped[int] = mapped_column(SmallInteger, default=0)

    changed: Mapped[AccountChange | None] = mapped_column(choice(AccountChange, "changed"))
    """Of one about the account."""
    email_before_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    email_before = Sealed[str | None]("id")
    """Of one about another address: the one before, where it goes. None: to the member's address as it then is."""

    member: Mapped[Member] = relationship(lazy="joined", innerjoin=True, foreign_keys="MemberMail.member_id")
