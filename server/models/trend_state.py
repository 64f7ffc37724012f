"""What the trend engine remembers of a patient, so that a new day costs the same however long the diary is."""

import uuid

from sqlalchemy import ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base


class TrendState(Base):
    """A cache, and nothing else: the row that a replay of the patient's diary up to `trend_through` makes."""

    __tablename__ = "trend_state"
    # Each look writes it anew; room in the page lets the new row lie beside the old one, and no index is touched.
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger)
    """Of the engine that made it; another one reads the diary."""
    standing: Mapped[bytes]
    """A row of server.trends.standing.STANDING."""
