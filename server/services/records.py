"""Patients' records as the trend engine takes them, gathered from the tables; many take as few statements as one."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Double, cast, select

from server.clock import local_day
from server.extensions import db
from server.models import CheckIn, Clinic, Patient
from server.services.courses import courses_of
from server.services.listed import any_of
from server.services.outages import outage_days
from server.services.pauses import paused_days
from server.trends import Reading, Record


def record_of(patient: Patient, now: datetime) -> Record:
    """All that is known of the patient; `now` decides which local days are over."""
    today = local_day(now, patient.zone, patient.clinic.day_starts_at) - timedelta(days=1)
    (record,) = records_of(patient.clinic, [patient], [today])
    return record


def records_of(clinic: Clinic, patients: Sequence[Any], closed: Sequence[date]) -> list[Record]:
    """All that is known of each of these patients of one clinic, and the last local day of each that is over.

    `patients`: whatever has id, zone, monitored_from and monitored_until of a patient.
    """
    ids = [one.id for one in patients]
    readings, courses = _readings(ids), courses_of(ids)
    paused: list[set[date]] = [set() for _ in ids]
    for place, day in paused_days(ids, closed):
        paused[place].add(day)
    outages = _outages(clinic, patients)
    return [
        Record(
            readings=tuple(readings[one.id]),
            today=today,
            course=courses.get(one.id),
            monitored_from=one.monitored_from,
            monitored_until=one.monitored_until,
            paused=frozenset(off),
            outages=down,
        )
        for one, today, off, down in zip(patients, closed, paused, outages, strict=True)
    ]


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


def _outages(clinic: Clinic, patients: Sequence[Any]) -> list[frozenset[date]]:
    """Of each patient, those of the monitored days."""
    first: dict[str, date] = {}
    for one in patients:
        # What is replayed came through no service, so none was down.
        if clinic.live and one.monitored_from:
            first[one.zone] = min(one.monitored_from, first.get(one.zone, one.monitored_from))
    unknown = outage_days(first)
    return [
        frozenset(day for day in unknown.get(one.zone, ()) if one.monitored_from and day >= one.monitored_from)
        for one in patients
    ]
