"""A yes to the question about self-harm: what cannot wait for a tick, nor for a tidy request."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from server.clock import local_day
from server.extensions import db
from server.models import Alert, AlertEvent, AlertState, Patient
from server.services.holding import Held, hold
from server.services.limits import thresholds_of
from server.services.raising import raise_findings
from server.trends import safety_concern


def hear_yes(
    patient: Held, first_told: Sequence[date], all_days: Sequence[date], now: datetime, *, taken: bool = True
) -> None:
    """Raises the alert in the caller's transaction, who holds the patient's row.

    `first_told`: the days of each answer that was not yes before; the others of `all_days` said so already, and are
    told again only when no alert that waits for a person tells of their day. `taken`: as safety_concern.
    """
    still = set(all_days) - set(first_told)
    days = sorted([*first_told, *(still - _told(patient.id) if still else ())])
    if days:
        thresholds = thresholds_of(patient.clinic_id)
        found = [safety_concern(day, thresholds, taken=taken) for day in days]
        raise_findings(db.session.get_one(Patient, patient.id), found, now)


def heed_refused(patient_id: uuid.UUID, now: datetime) -> None:
    """The same for a yes in an item that is refused for something else.

    A phone sends a refused item again and again; one alert a day that nobody has closed yet tells of all of them.
    """
    heed(hold(patient_id), now)


def heed(patient: Held, now: datetime) -> None:
    """As heed_refused. The caller holds the patient's row."""
    hear_yes(patient, [], [local_day(now, patient.zone, patient.day_starts_at)], now, taken=False)


def _told(patient_id: uuid.UUID) -> set[date | None]:
    """The days that an alert tells of which nobody has closed yet."""
    told = select(AlertEvent.day).join(Alert, Alert.id == AlertEvent.alert_id)
    told = told.where(
        Alert.patient_id == patient_id, Alert.rule == "safety_concern", Alert.state != AlertState.RESOLVED
    )
    return set(db.session.scalars(told))
