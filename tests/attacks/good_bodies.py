"""Bodies that a route takes, with something in every field."""

from datetime import datetime
from typing import Any

from tests.factories import NOTE, PASSWORD, check_in_body, days_later, new_id, urge_body
from tests.push_services import Browser


def a_check_in(now: datetime) -> dict[str, Any]:
    return check_in_body(
        now,
        mood=5.5,
        sleep_quality=4,
        stress=3,
        confidence=6,
        used="no",
        substances=["nicotine"],
        medication_taken="yes",
        triggers=["stress", "people"],
        self_harm_thoughts="no",
        note=NOTE,
    )


def a_urge(now: datetime) -> dict[str, Any]:
    return urge_body(now, used="no", triggers=["stress"], note=NOTE)


def a_sync(now: datetime) -> dict[str, Any]:
    return {"cursor": None, "items": [{"kind": "urge", "id": new_id(), "content": a_urge(now)}]}


def a_member(_: datetime) -> dict[str, Any]:
    return {
        "role": "clinician",
        "name": "Grace",
        "email": f"{new_id()}@clinic.example",
        "password": PASSWORD,
    }


def a_patient(_: datetime) -> dict[str, Any]:
    return {
        "reference": new_id(),
        "zone": "America/New_York",
        "language": "en",
        "region": "US-NY",
        "monitored_from": "2026-05-01",
        "monitored_until": "2026-09-01",
        "paused": False,
    }


def a_password(_: datetime) -> dict[str, Any]:
    return {"password": PASSWORD, "new_password": "another battery horse"}


def a_limits(_: datetime) -> dict[str, Any]:
    return {
        "h": 3.5,
        "craving_severe": 8.5,
        "mood_very_low": 2,
        "use_free_days": 14,
        "silent_days": 4,
        "silent_chance": 0.005,
        "mfa_required": False,
    }


def a_routing(_: datetime) -> dict[str, Any]:
    return {
        "urgent_minutes": 10,
        "prompt_minutes": 120,
        "routine_minutes": 1440,
        "quiet_from": "20:00",
        "quiet_until": "06:30",
        "digest_at": "07:00",
        "escalation_email": "front-desk@clinic.example",
    }


def a_duty(now: datetime) -> dict[str, Any]:
    return {"begins_at": now.isoformat(), "ends_at": days_later(now, 7).isoformat()}


def an_absence(now: datetime) -> dict[str, Any]:
    return {
        "first_day": days_later(now, 7).date().isoformat(),
        "last_day": days_later(now, 14).date().isoformat(),
        "deputy_id": None,
    }


def a_push(_: datetime) -> dict[str, Any]:
    """Each time another browser."""
    return Browser(f"https://fcm.googleapis.com/fcm/send/{new_id()}").body()
