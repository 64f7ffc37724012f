"""All that the phone's home screen needs, in one round trip."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from server.clock import day_end, local_day
from server.extensions import db
from server.models import CheckIn, Patient, SessionState, TmsSession
from server.services.check_ins import counting
from server.services.courses import patient_sessions
from server.services.support import support_for

SHOWN_DAYS = 14
# A streak is counted this far back: enough for any course, and a bound on what one request reads.
LONGEST_STREAK = 400


def today(patient_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    patient = db.session.get_one(Patient, patient_id)
    day_starts_at = patient.clinic.day_starts_at
    day = local_day(now, patient.zone, day_starts_at)
    by_day = {found.day: found for found in counting(patient.id, since=day - timedelta(days=LONGEST_STREAK))}
    return {
        "day": day,
        "day_ends_at": day_end(day, patient.zone, day_starts_at),
        "check_in": "off" if patient.withdrawn_at else "done" if day in by_day else "due",
        "streak": streak(by_day, day),
        "next_session": next_session(patient_sessions(patient.id), now),
        "last_days": [_shown(day - timedelta(days=back), by_day) for back in range(SHOWN_DAYS)],
        "support": support_for(patient.region),
    }


def streak(by_day: Mapping[date, object], day: date) -> int:
    """Days in a row with a check-in, up to today; a today that is still open does not break it."""
    first = day if day in by_day else day - timedelta(days=1)
    length = 0
    while first - timedelta(days=length) in by_day:
        length += 1
    return length


def next_session(sessions: Sequence[TmsSession], now: datetime) -> dict[str, Any] | None:
    for session in sessions:
        if session.starts_at >= now and session.state is SessionState.SCHEDULED:
            of = sum(1 for other in sessions if other.course_id == session.course_id)
            return {
                "id": session.id,
                "number": session.number,
                "of": of,
                "starts_at": session.starts_at,
                "state": session.state,
            }
    return None


def _shown(day: date, by_day: Mapping[date, CheckIn]) -> dict[str, Any]:
    found = by_day.get(day)
    return {
        "day": day,
        "done": found is not None,
        "craving": found.craving if found else None,
        "mood": found.mood if found else None,
    }
