"""A patient's record as the trend engine takes it, gathered from the tables."""

from datetime import datetime, timedelta

from server.clock import local_day
from server.models import CheckIn, Patient
from server.services.check_ins import counting
from server.services.courses import course_of
from server.services.outages import outage_days
from server.services.pauses import paused_days
from server.trends import Reading, Record


def record_of(patient: Patient, now: datetime) -> Record:
    """All that is known of the patient; `now` decides which local days are over."""
    today = local_day(now, patient.zone, patient.clinic.day_starts_at) - timedelta(days=1)
    # What is replayed came through no service, so none was down.
    since = patient.monitored_from if patient.clinic.live else None
    return Record(
        readings=tuple(_reading(check_in) for check_in in counting(patient.id)),
        today=today,
        course=course_of(patient.id),
        monitored_from=patient.monitored_from,
        monitored_until=patient.monitored_until,
        paused=paused_days(patient.id, today),
        outages=outage_days(patient.zone, since) if since else frozenset(),
    )


def _reading(check_in: CheckIn) -> Reading:
    return Reading(
        day=check_in.day,
        craving=None if check_in.craving is None else float(check_in.craving),
        mood=None if check_in.mood is None else float(check_in.mood),
        used=check_in.used,
    )
