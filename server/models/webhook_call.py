"""The second channel: one call to the clinic's webhook about an alert that mail did not bring to anybody."""

import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.extensions import Base
from server.models.alert import Alert
from server.models.outgoing import Outgoing
from server.models.types import choice


class CalledBecause(StrEnum):
    UNDELIVERABLE = "undeliverable"
    """A mail about the alert cannot be delivered."""
    UNACKNOWLEDGED = "unacknowledged"
    """Everybody was told in turn and nobody acknowledged it."""
    UNROUTED = "unrouted"
    """There is nobody to tell."""


class WebhookCall(Outgoing, Base):
    """Made in the transaction that found mail to have failed."""

    __tablename__ = "webhook_call"
    __table_args__ = (
        CheckConstraint("state NOT IN ('in_digest', 'bounced')", name="states"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        UniqueConstraint("event_id", "because"),
        Index("ix_webhook_call_due_at", "due_at", postgresql_where=text("state = 'queued'")),
        ForeignKeyConstraint(["alert_id", "clinic_id"], ["alert.id", "alert.clinic_id"]),
        ForeignKeyConstraint(["event_id"], ["alert_event.id"]),
    )

    alert_id: Mapped[uuid.UUID] = mapped_column(index=True)
    event_id: Mapped[int] = mapped_column(BigInteger)
    because: Mapped[CalledBecause] = mapped_column(choice(CalledBecause, "because"))

    alert: Mapped[Alert] = relationship(lazy="joined", innerjoin=True, foreign_keys="WebhookCall.alert_id")
