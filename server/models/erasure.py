"""That a patient's record was here, and was erased."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE


class Erasure(Base):
    """It is only ever added to, and no key refers to the patient's rows, which are gone."""

    __tablename__ = "erasure"
    __table_args__ = (Index("ix_erasure_clinic_id_erased_at_patient_id", "clinic_id", "erased_at", "patient_id"),)

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), server_default=CLINIC_IN_FORCE)
    code: Mapped[str]
    """What staff called the patient by; it signs nobody in any more."""
    care_team: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()))
    """Who cared for the patient, and so may know that nothing comes from here any more."""
    erased_at: Mapped[datetime]

    @property
    def id(self) -> uuid.UUID:
        """For a cursor."""
        return self.patient_id
