"""What all that leaves the house has in common: an email or a call is claimed, sent, and only then recorded."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import SmallInteger
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from server.models.types import CLINIC_IN_FORCE, choice


class EmailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"
    WITHHELD = "withheld"
    """When it was to go, its recipient was not to have it."""
    IN_DIGEST = "in_digest"
    """Not mailed by itself: the recipient's next digest counts it, and its being sent is recorded here, too."""
    BOUNCED = "bounced"
    """It was sent, and came back."""


class Outgoing:
    """The columns of a row that is sent once it is due. Sent is recorded after the other side's yes, never before."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    """When its job was last put on the queue."""
    claim: Mapped[uuid.UUID | None]
    """Who is sending it now; the final UPDATE compares it, so that a sender that slept writes nothing."""
    claimed_until: Mapped[datetime | None]
    """The lease, by the database's clock."""
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    @declared_attr
    @classmethod
    def state(cls) -> Mapped[EmailState]:
        return mapped_column(choice(EmailState, "state"), default=EmailState.QUEUED)
