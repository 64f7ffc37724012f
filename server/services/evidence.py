"""What an alert rests on, for whoever must judge it: the readings around it, what was missing, the limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import select

from server.extensions import db
from server.models import Alert, AlertEmail
from server.services.check_ins import counting

DAYS_BEFORE = 21


@dataclass(frozen=True, slots=True)
class ShownReading:
    """One local day; both None where nobody checked in."""

    day: date
    craving: float | None
    mood: float | None
    in_basis: bool


def readings_around(alert: Alert) -> list[ShownReading]:
    """Every day from three weeks before the finding to the latest check-in, gaps included, newest first."""
    told = (event.basis or [] for event in alert.events)
    basis = {date.fromisoformat(day) for day in chain(alert.basis, *told)}
    first = min([alert.day - timedelta(days=DAYS_BEFORE), *basis])
    by_day = {found.day: found for found in counting(alert.patient_id, since=first)}
    last = max([alert.last_day, *by_day])
    shown = []
    for back in range((last - first).days + 1):
        day = last - timedelta(days=back)
        found = by_day.get(day)
        shown.append(
            ShownReading(
                day,
                None if found is None or found.craving is None else float(found.craving),
                None if found is None or found.mood is None else float(found.mood),
                day in basis,
            )
        )
    return shown


def evidence(alert: Alert) -> dict[str, Any]:
    """The alert with its readings and its history, as one answer."""
    names = (
        "id",
        "patient_id",
        "patient",
        "rule",
        "rule_version",
        "severity",
        "state",
        "day",
        "last_day",
        "sentence",
        "raised_at",
        "escalate_at",
        "acknowledged_at",
        "acknowledged_by",
        "superseded_at",
        "resolved_at",
        "resolved_by",
        "outcome",
        "outcome_note",
        "figures",
        "thresholds",
        "events",
    )
    return {
        **{name: getattr(alert, name) for name in names},
        "basis": [date.fromisoformat(day) for day in alert.basis],
        "readings": readings_around(alert),
        "emails": emails_about(alert),
    }


def emails_about(alert: Alert) -> Sequence[AlertEmail]:
    """Who was told, who was not, and why not; oldest first."""
    return db.session.scalars(
        select(AlertEmail).where(AlertEmail.alert_id == alert.id).order_by(AlertEmail.created_at, AlertEmail.id)
    ).all()
