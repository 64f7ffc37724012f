"""Where a patient's phone can be reminded: one address for each sign-in, for as long as that lasts."""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKeyConstraint, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE


class PushAddress(Base):
    """Whoever knows an address can try to push to it, so it is sealed; what kind it is of is within."""

    __tablename__ = "push_address"
    __table_args__ = (
        # One phone is one address, whoever was signed in on it before.
        UniqueConstraint("clinic_id", "address_index"),
        ForeignKeyConstraint(["sign_in_id", "clinic_id"], ["sign_in.id", "sign_in.clinic_id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
    )

    sign_in_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(index=True)
    address_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    address_index: Mapped[bytes] = mapped_column(LargeBinary)
    given_at: Mapped[datetime]
    reminded_on: Mapped[date | None]
    """The local day whose reminder a worker took on itself to send here."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    address = Sealed[str]("patient_id", "sign_in_id")
