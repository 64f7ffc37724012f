"""Reminders: who is to be reminded of today's check-in, when, and that nobody is twice a day."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import exists, or_, select, update

from server.clock import day_end, local_day, next_instant_of
from server.extensions import db
from server.models import PATIENT_HELD, CheckIn, Clinic, Patient, Pause
from server.services.lost import is_lost
from server.services.push_addresses import phones_of

# After a failure of ours: the day is not over, but nobody wants to hear of the evening's check-in at night.
LATEST = timedelta(hours=2)
AFTER_FAILURE = timedelta(minutes=30)
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Reminder:
    """Of one local day, to these phones (by their sign-ins), for as long as it is of use."""

    day: date
    until: datetime
    phones: Sequence[uuid.UUID]


def set_time(patient: Patient, wall: time | None, now: datetime) -> None:
    """By the patient's own clock; None: no more. The caller holds the patient's row."""
    patient.reminder_time = wall
    plan(patient, now)


def plan(patient: Patient, now: datetime) -> None:
    """The next instant of the patient's time: after it was set, after the zone changed, after one was due."""
    wall = patient.reminder_time
    patient.remind_due_at = None if wall is None else next_instant_of(wall, patient.zone, now)
    patient.remind_queued_at = None


def claim_due(now: datetime) -> Sequence[uuid.UUID]:
    """Marks the clinic's patients whose time has come as queued and returns them, for the caller to enqueue."""
    due = (
        select(Patient.id)
        .join(Clinic, Clinic.id == Patient.clinic_id)
        .where(
            Patient.remind_due_at <= now,
            Clinic.live,
            or_(
                Patient.remind_queued_at.is_(None),
                is_lost(Patient.remind_queued_at, now, "remind", "patient_ids", Patient.id),
            ),
        )
        .with_for_update(**PATIENT_HELD, skip_locked=True)
    )
    return db.session.scalars(
        update(Patient)
        .where(Patient.id.in_(due))
        .values(remind_queued_at=now)
        .returning(Patient.id)
        .execution_options(synchronize_session=False)
    ).all()


def decide(patient_id: uuid.UUID, now: datetime) -> Reminder | None:
    """The reminder of one who is due, who is due again tomorrow; None for whoever is not to be reminded.

    Once it is returned, and committed, nobody decides it again for this day.
    """
    patient = db.session.get(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    if patient is None or patient.remind_due_at is None or patient.reminder_time is None or now < patient.remind_due_at:
        return None
    due, starts_at = patient.remind_due_at, patient.clinic.day_starts_at
    plan(patient, now)
    db.session.flush()
    if next_instant_of(patient.reminder_time, patient.zone, due - MOMENT) != due:
        # The zone is another than when this was planned: it was the right time somewhere else.
        return None
    day = local_day(due, patient.zone, starts_at)
    until = min(due + LATEST, day_end(day, patient.zone, starts_at))
    if now >= until or not is_wanted(patient, day) or not _take(patient, day):
        return None
    return Reminder(day, until, phones_of(patient.id, now))


def is_wanted(patient: Patient, day: date) -> bool:
    """Whether this patient is expected to check in on this day, and has not."""
    first, last = patient.monitored_from, patient.monitored_until
    takes_part = patient.active and patient.withdrawn_at is None and patient.clinic.live
    if not takes_part or patient.reminder_time is None or first is None or not first <= day <= (last or day):
        return False
    done = exists().where(CheckIn.patient_id == patient.id, CheckIn.day == day, CheckIn.counts)
    paused = exists().where(
        Pause.patient_id == patient.id, Pause.first_day <= day, or_(Pause.last_day.is_(None), Pause.last_day >= day)
    )
    return not db.session.scalar(select(or_(done, paused)))


def put_off(patient_id: uuid.UUID, now: datetime) -> None:
    """After a failure: the others do not wait for this one, and it is tried again later."""
    later = update(Patient).where(Patient.id == patient_id).values(remind_queued_at=now + AFTER_FAILURE)
    db.session.execute(later.execution_options(synchronize_session=False))


def _take(patient: Patient, day: date) -> bool:
    """One reminder a day, and none for a day before: whoever crosses the date line west lives a day twice."""
    taken = update(Patient).where(
        Patient.id == patient.id, or_(Patient.reminded_on.is_(None), Patient.reminded_on < day)
    )
    done = db.session.scalar(taken.values(reminded_on=day).returning(Patient.id))
    return done is not None
