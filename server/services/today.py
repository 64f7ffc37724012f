"""All that the phone's home screen needs, in one round trip."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, true

from server.clock import day_end, local_day
from server.extensions import ask, ask_one, table_of
from server.models import CheckIn, Clinic, Patient, SessionState, TmsSession
from server.services.own_days import is_cut_short
from server.services.support import support_for

SHOWN_DAYS = 14
# A streak is counted this far back: enough for any course, and a bound on what one request reads.
LONGEST_STREAK = 400
DAY = timedelta(days=1)

# Phones ask this often: the statements are built once, and read columns, not whole rows.
_SAID, _SESSION = table_of(CheckIn).c, table_of(TmsSession).c
_RATED = select(_SAID.day, _SAID.craving, _SAID.mood).where(
    _SAID.patient_id == bindparam("patient_id"), _SAID.counts, _SAID.day >= bindparam("since")
)
_OF = table_of(TmsSession).alias("of_course")
_NEXT = (
    select(
        _SESSION.id,
        _SESSION.number,
        select(func.count()).where(_OF.c.course_id == _SESSION.course_id).scalar_subquery().label("of"),
        _SESSION.starts_at,
        _SESSION.state,
    )
    .where(
        _SESSION.patient_id == bindparam("patient_id"),
        _SESSION.starts_at >= bindparam("now"),
        _SESSION.state == SessionState.SCHEDULED,
    )
    .order_by(_SESSION.starts_at, _SESSION.number)
    .limit(1)
    .subquery("next")
)
_OWN = table_of(Patient).c
_ASKED = (
    *(_OWN.zone, _OWN.region, _OWN.withdrawn_at, _OWN.reminder_time, _OWN.remind_due_at),
    _OWN.days_cut_short,
)
_PATIENT = (
    select(*_ASKED, table_of(Clinic).c.day_starts_at, *(one.label(f"next_{one.name}") for one in _NEXT.c))
    .select_from(table_of(Patient))
    .join(table_of(Clinic), table_of(Clinic).c.id == _OWN.clinic_id)
    .outerjoin(_NEXT, true())
    .where(_OWN.id == bindparam("patient_id"))
)


def today(patient_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    patient = ask_one(_PATIENT, {"patient_id": patient_id, "now": now})
    day = local_day(now, patient.zone, patient.day_starts_at)
    by_day = _rated(patient_id, day - timedelta(days=LONGEST_STREAK))
    return {
        "day": day,
        "day_ends_at": day_end(day, patient.zone, patient.day_starts_at),
        "check_in": "off" if patient.withdrawn_at else "done" if day in by_day else "due",
        "streak": streak(by_day, day, patient),
        "next_session": _next_session(patient),
        "last_days": [_shown(day - timedelta(days=back), by_day, patient) for back in range(SHOWN_DAYS)],
        "reminders": {
            "time": patient.reminder_time,
            "next_at": None if patient.withdrawn_at else patient.remind_due_at,
        },
        "support": support_for(patient.region),
    }


def _rated(patient_id: uuid.UUID, since: date) -> Mapping[date, Any]:
    """By day what counts for it."""
    return {row.day: row for row in ask(_RATED, {"patient_id": patient_id, "since": since})}


def streak(by_day: Mapping[date, object], day: date, patient: Any) -> int:
    """Days in a row with a check-in; neither a today that is still open nor a day cut short breaks it.

    Whoever has travelled west may have reported tomorrow already.
    """
    length, back = 0, max([day, *by_day])
    while back in by_day or back >= day or is_cut_short(patient.zone, patient.days_cut_short, back):
        length += back in by_day
        back -= DAY
    return length


def _next_session(patient: Any) -> dict[str, Any] | None:
    found = {name: getattr(patient, f"next_{name}") for name in _NEXT.c.keys()}  # noqa: SIM118  # of columns, by name
    return None if found["id"] is None else found


def _shown(day: date, by_day: Mapping[date, Any], patient: Any) -> dict[str, Any]:
    found = by_day.get(day)
    return {
        "day": day,
        "done": found is not None,
        "cut_short": is_cut_short(patient.zone, patient.days_cut_short, day),
        "craving": found.craving if found else None,
        "mood": found.mood if found else None,
    }
