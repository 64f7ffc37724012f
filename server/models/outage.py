"""An outage: from when until when our own service was down."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import choice


class OutageSource(StrEnum):
    """Who says so."""

    SCHEDULER = "scheduler"
    OPERATOR = "operator"


class Outage(Base):
    """Of the whole installation, whatever the clinic. Its beginning is the key, so each is recorded once."""

    __tablename__ = "outage"
    __table_args__ = (CheckConstraint("ended_at > began_at", name="lasted"),)

    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]
    source: Mapped[OutageSource] = mapped_column(choice(OutageSource, "source"))
    recorded_at: Mapped[datetime]
