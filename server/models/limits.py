"""A clinic's limits: one row for each version, which nothing changes once it is there."""

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base


class Limits(Base):
    """In force from an instant until the next version is. The columns are named as the trend engine's thresholds."""

    __tablename__ = "limits"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("h BETWEEN 1 AND 20", name="h"),
        CheckConstraint("craving_severe BETWEEN 0 AND 10", name="craving_severe"),
        CheckConstraint("mood_very_low BETWEEN 0 AND 10", name="mood_very_low"),
        CheckConstraint("use_free_days BETWEEN 1 AND 90", name="use_free_days"),
        CheckConstraint("silent_days BETWEEN 3 AND 30", name="silent_days"),
        CheckConstraint("silent_chance BETWEEN 0.001 AND 0.2", name="silent_chance"),
    )

    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    changed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    """None for the first version, which came with the clinic."""
    h: Mapped[Decimal] = mapped_column(Numeric(4, 2))
    craving_severe: Mapped[Decimal] = mapped_column(Numeric(3, 1))
    mood_very_low: Mapped[Decimal] = mapped_column(Numeric(3, 1))
    use_free_days: Mapped[int] = mapped_column(SmallInteger)
    silent_days: Mapped[int] = mapped_column(SmallInteger)
    silent_chance: Mapped[Decimal] = mapped_column(Numeric(4, 3))
