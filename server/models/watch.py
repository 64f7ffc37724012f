"""Watching a patient: when somebody must look again, and what the trend engine remembers since the last time."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE


class Watch(Base):
    """At most one of a patient; a patient of whom there is none is not due, and nothing is remembered.

    Apart from the patient's own row, which is wide, has many indexes, and is held by whoever decides about the
    patient: each look writes here, and here alone unless there is something to say.
    """

    __tablename__ = "watch"
    __table_args__ = (
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
        CheckConstraint("(version IS NULL) = (standing IS NULL)", name="standing"),
        # What is due is one indexed look-up, however many patients there are.
        Index("ix_watch_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_watch_failures", "patient_id", postgresql_where=text("failures > 0")),
        # Room in the page, so that the row that a look writes lies beside the one before it.
        {"postgresql_with": {"fillfactor": 50}},
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime | None]
    """When somebody must look again: at once after a check-in, else at the end of the local day."""
    queued_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"), default=0)
    error: Mapped[str | None]
    """The kind of the last failure; never its text, which could quote the record."""
    through: Mapped[date | None]
    """The last local day that the standing holds; None: the diary must be read whole."""
    version: Mapped[int | None] = mapped_column(SmallInteger)
    """Of the engine that made the standing; another one reads the diary."""
    standing: Mapped[bytes | None]
    """A cache, and nothing else: the row (server.trends.standing.ROW) that a replay of the diary makes."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)
