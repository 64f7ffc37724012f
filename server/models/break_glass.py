"""Breaking the glass: a clinician from outside the care team gets to a patient for a while, and says why."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE


class BreakGlass(Base):
    """Who, why, when. It is only ever added to, and stays when a patient's own rows go: no key refers to those."""

    __tablename__ = "break_glass"
    __table_args__ = (
        CheckConstraint("ends_at > at", name="lasts"),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
        Index("ix_break_glass_member_id_ends_at", "member_id", "ends_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), server_default=CLINIC_IN_FORCE)
    patient_id: Mapped[uuid.UUID]
    member_id: Mapped[uuid.UUID]
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]
    ends_at: Mapped[datetime]

    reason = Sealed[str]("patient_id", "member_id", "id")
