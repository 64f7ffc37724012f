"""Days played through the system: the same schema, services and assessments as a phone's, under an injected clock."""

import uuid
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from server.clock import day_end
from server.models import Clinic
from server.schemas.check_ins import CheckInIn
from server.services import check_ins

EVENING = time(20)


def evening(day: date, zone: str) -> datetime:
    """When the simulated and the replayed check in."""
    return datetime.combine(day, EVENING, ZoneInfo(zone))


def closing(day: date, clinic: Clinic) -> datetime:
    """When the local day is over and its closing assessment is due."""
    return day_end(day, clinic.zone, clinic.day_starts_at)


def check_in(patient_id: uuid.UUID, at: datetime, zone: str, said: dict[str, Any]) -> None:
    """One check-in, through what a phone's body goes through. `said` are the answers; None is not answered."""
    body = {
        "recorded_at": at.isoformat(),
        "zone": zone,
        "form_version": "1",
        **{name: answer for name, answer in said.items() if answer is not None},
    }
    check_ins.put_check_in(patient_id, uuid.uuid4(), CheckInIn().load(body), at)
