"""What every report of a patient's has, whatever it is about."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.models.types import CLINIC_IN_FORCE, choice


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    RATHER_NOT_SAY = "rather_not_say"


class Reported:
    """The phone makes the id, and (patient, id) is the key: ids can be neither probed nor squatted."""

    patient_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]
    zone: Mapped[str]
    offset_minutes: Mapped[int] = mapped_column(SmallInteger)
    offset_known: Mapped[bool]
    """False when the zone never has this offset: an old zone table on the phone."""
    received_at: Mapped[datetime]
    """When it first came; of an earlier version, when that one came."""
    day: Mapped[date]
    used: Mapped[Answer | None] = mapped_column(choice(Answer, "used"))
    triggers: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    version: Mapped[int]

    @property
    def etag(self) -> str:
        return etag_of(self.id, self.version)


def etag_of(report_id: uuid.UUID, version: int) -> str:
    """Names what the patient said; it stays when only what follows from that changes, such as which report counts."""
    return f'"{version}-{report_id.hex}"'
