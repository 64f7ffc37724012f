"""Pauses: days on which nobody expects a patient to check in, and so silence means nothing."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from server.extensions import db
from server.models import Patient, Pause, PausedWhy
from server.services.listed import any_of
from server.services.own_days import days_of
from server.services.replays import replay_from


def set_paused(patient: Patient, paused: bool, by: uuid.UUID, now: datetime) -> None:
    """Begins the clinic's pause today, or ends the open one today; what is so already stays as it is.

    Both days are of the pause whole: whoever comes back today is expected from tomorrow on. The caller holds the
    patient's row.
    """
    _set(patient, paused, PausedWhy.CLINIC, by, now)


def set_withdrawn(patient: Patient, withdrawn: bool, now: datetime) -> None:
    """The same for the days on which the patient takes no part, whatever the clinic paused."""
    _set(patient, withdrawn, PausedWhy.WITHDRAWAL, None, now)


def _set(patient: Patient, paused: bool, why: PausedWhy, by: uuid.UUID | None, now: datetime) -> None:
    db.session.refresh(patient, ["pauses"])
    today = days_of(patient, now).today
    opened = [pause for pause in patient.pauses if pause.why is why and pause.last_day is None]
    if paused and not opened:
        patient.pauses.append(Pause(why=why, first_day=today, begun_at=now, begun_by=by))
    if not paused:
        for pause in opened:
            # Who has travelled west since may be on the day before.
            pause.last_day = max(today, pause.first_day)
            pause.ended_at, pause.ended_by = now, by
    replay_from(patient, today)
    db.session.flush()


def paused_days(ids: Sequence[uuid.UUID], closed: Sequence[date]) -> Iterator[tuple[int, date]]:
    """The local days of all pauses of these patients, up to the day that `closed` has for each: (place, day)."""
    found = db.session.execute(
        select(Pause.patient_id, Pause.first_day, Pause.last_day).where(Pause.patient_id == any_of(ids))
    ).all()
    places = {patient_id: place for place, patient_id in enumerate(ids)} if found else {}
    for patient_id, first, last in found:
        place = places[patient_id]
        for index in range((min(last or closed[place], closed[place]) - first).days + 1):
            yield place, first + timedelta(days=index)
