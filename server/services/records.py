"""Patients' records as the trend engine takes them, gathered from the tables; many take as few statements as one."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Double, cast, select

from server.extensions import db
from server.models import CheckIn, Clinic, Patient
from server.services.courses import courses_of
from server.services.listed import any_of
from server.services.outages import outage_days
from server.services.own_days import cut_short, days_of
from server.services.pauses import paused_days
from server.trends import Reading, Record


def record_of(patient: Patient, now: datetime) -> Record:
    """All that is known of the patient; `now` decides which local days are over."""
    (record,) = records_of(patient.clinic, [patient], [days_of(patient, now).over])
    return record


def records_of(clinic: Clinic, patients: Sequence[Any], closed: Sequence[date]) -> list[Record]:
    """All that is known of each of these patients of one clinic, and the last local day of each that is over.

    `patients`: whatever has id, zone, days_cut_short, monitored_from and monitored_until of a
    patient.
    """
    ids = [one.id for one in patients]
    readings, courses = _readings(ids), courses_of(ids)
    # What is replayed came through no service, so none was down.
    down = outage_days(ids, [one.monitored_from if clinic.live else None for one in patients])
    paused, outages = (_by_place(found, len(ids)) for found in (paused_days(ids, closed), down))
    return [
        Record(
            readings=tuple(readings[one.id]),
            today=today,
            course=courses.get(one.id),
            monitored_from=one.monitored_from,
            monitored_until=one.monitored_until,
            paused=off,
            outages=out,
            cut_short=frozenset(cut_short(one.zone, one.days_cut_short, one.monitored_from or today, today)),
        )
        for one, today, off, out in zip(patients, closed, paused, outages, strict=True)
    ]


def _by_place(found: Iterable[tuple[int, date]], places: int) -> list[frozenset[date]]:
    days: list[set[date]] = [set() for _ in range(places)]
    for place, day in found:
        days[place].add(day)
    return [frozenset(one) for one in days]


def _readings(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Reading]]:
    """The check-ins that count."""
    readings: dict[uuid.UUID, list[Reading]] = {patient_id: [] for patient_id in ids}
    found = db.session.execute(
        select(
            CheckIn.patient_id, CheckIn.day, cast(CheckIn.craving, Double), cast(CheckIn.mood, Double), CheckIn.used
        ).where(CheckIn.patient_id == any_of(ids), CheckIn.counts)
    )
    for patient_id, *said in found:
        readings[patient_id].append(Reading(*said))
    return readings
