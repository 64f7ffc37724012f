"""What the trend engine remembers of a patient, so that a new day costs the same however long the diary is."""

import uuid

from sqlalchemy import ForeignKeyConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE


class TrendState(Base):
    """A cache, and nothing else: the row that a replay of the patient's diary up to `trend_through` makes."""

    __tablename__ = "trend_state"
    # Each look writes it anew; room in the page lets the new row lie beside the old one, and no index is touched.
    __table_args__ = (
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
        {"postgresql_with": {"fillfactor": 50}},
    )

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger)
    """Of the engine that made it; another one reads the diary."""
    standing: Mapped[bytes]
    """A row of server.trends.standing.ROW."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)
