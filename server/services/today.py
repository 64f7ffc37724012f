"""All that the phone's home screen needs, in one round trip."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Result, Row, bindparam, func, select
from sqlalchemy.orm import aliased

from server.clock import day_end
from server.extensions import db
from server.models import CheckIn, Patient, SessionState, TmsSession
from server.services.own_days import days_of, is_cut_short
from server.services.support import support_for

SHOWN_DAYS = 14
# A streak is counted this far back: enough for any course, and a bound on what one request reads.
LONGEST_STREAK = 400
DAY = timedelta(days=1)

# Phones ask this often: the statements are built once, and read columns, not whole rows.
_RATED = select(CheckIn.day, CheckIn.craving, CheckIn.mood).where(
    CheckIn.patient_id == bindparam("patient_id"), CheckIn.counts, CheckIn.day >= bindparam("since")
)
_OF = aliased(TmsSession)
_NEXT = (
    select(
        TmsSession.id,
        TmsSession.number,
        select(func.count()).where(_OF.course_id == TmsSession.course_id).scalar_subquery().label("of"),
        TmsSession.starts_at,
        TmsSession.state,
    )
    .where(
        TmsSession.patient_id == bindparam("patient_id"),
        TmsSession.starts_at >= bindparam("now"),
        TmsSession.state == SessionState.SCHEDULED,
    )
    .order_by(TmsSession.starts_at, TmsSession.number)
    .limit(1)
)


def today(patient_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    patient = db.session.get_one(Patient, patient_id)
    day = days_of(patient, now).today
    by_day = _rated(patient.id, day - timedelta(days=LONGEST_STREAK))
    return {
        "day": day,
        "day_ends_at": day_end(day, patient.zone, patient.clinic.day_starts_at),
        "check_in": "off" if patient.withdrawn_at else "done" if day in by_day else "due",
        "streak": streak(by_day, day, patient),
        "next_session": _next_session(patient.id, now),
        "last_days": [_shown(day - timedelta(days=back), by_day, patient) for back in range(SHOWN_DAYS)],
        "reminders": {
            "time": patient.reminder_time,
            "next_at": None if patient.withdrawn_at else patient.remind_due_at,
        },
        "support": support_for(patient.region),
    }


def _rated(patient_id: uuid.UUID, since: date) -> Mapping[date, Row[Any]]:
    """By day what counts for it."""
    found: Result[Any] = db.session.execute(_RATED, {"patient_id": patient_id, "since": since})
    return {row.day: row for row in found}


def streak(by_day: Mapping[date, object], day: date, patient: Patient) -> int:
    """Days in a row with a check-in; neither a today that is still open nor a day cut short breaks it.

    Whoever has travelled west may have reported tomorrow already.
    """
    length, back = 0, max([day, *by_day])
    while back in by_day or back >= day or is_cut_short(patient, back):
        length += back in by_day
        back -= DAY
    return length


def _next_session(patient_id: uuid.UUID, now: datetime) -> dict[str, Any] | None:
    found = db.session.execute(_NEXT, {"patient_id": patient_id, "now": now}).one_or_none()
    return dict(found._mapping) if found else None  # noqa: SLF001  # the public name of a row's dictionary


def _shown(day: date, by_day: Mapping[date, Row[Any]], patient: Patient) -> dict[str, Any]:
    found = by_day.get(day)
    return {
        "day": day,
        "done": found is not None,
        "cut_short": is_cut_short(patient, day),
        "craving": found.craving if found else None,
        "mood": found.mood if found else None,
    }
