"""A clinic's limits: each change is a new version with its date, and a finding names the one it was judged by."""

import uuid
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from server.clock import local_day
from server.errors import NotFound
from server.extensions import db
from server.models import Clinic, Limits
from server.services.identities import Identity
from server.services.replays import replay_all_from
from server.trends import Thresholds

NAMES = tuple(field.name for field in fields(Thresholds) if field.name != "version")


def first_limits(clinic_id: uuid.UUID, now: datetime) -> None:
    """The limits that a new clinic begins with: the engine's defaults."""
    defaults = {name: getattr(Thresholds(), name) for name in NAMES}
    db.session.add(Limits(clinic_id=clinic_id, version=1, since=now, **defaults))


def current_limits(clinic_id: uuid.UUID) -> Limits:
    newest = select(Limits).where(Limits.clinic_id == clinic_id).order_by(Limits.version.desc()).limit(1)
    return db.session.scalars(newest).one()


def change_limits(caller: Identity, changes: dict[str, Any], now: datetime) -> Limits:
    """A new version, unless nothing would be different."""
    # The clinic's row is the lock, so that two admins at once make two versions, the later on top of the earlier.
    db.session.scalars(select(Clinic.id).where(Clinic.id == caller.clinic_id).with_for_update(key_share=True)).one()
    current = current_limits(caller.clinic_id)
    values = {name: getattr(current, name) for name in NAMES}
    if values | changes == values:
        return current
    changed = Limits(
        clinic_id=caller.clinic_id,
        version=current.version + 1,
        since=now,
        changed_by=caller.id,
        **(values | changes),
    )
    db.session.add(changed)
    db.session.flush()
    # What is remembered was made under the limits of before.
    replay_all_from(date.min, caller.clinic_id)
    return changed


def clinic_and_limits(clinic_id: uuid.UUID) -> dict[str, Any]:
    """What an admin sees of the clinic, as one answer."""
    clinic, limits = db.session.get_one(Clinic, clinic_id), current_limits(clinic_id)
    return {
        **{name: getattr(clinic, name) for name in ("id", "name", "zone", "day_starts_at", "mfa_required")},
        **{name: getattr(limits, name) for name in NAMES},
        "limits_version": limits.version,
        "limits_since": limits.since,
    }


def thresholds_of(clinic_id: uuid.UUID) -> Thresholds:
    """The current limits as the engine takes them."""
    return _thresholds(current_limits(clinic_id))


def thresholds_then(clinic_id: uuid.UUID, version: int) -> Thresholds:
    """A version as it was, and is. Raises NotFound when it is not kept."""
    found = db.session.get(Limits, (clinic_id, version))
    if found is None:
        raise NotFound(f"Version {version} of the limits is not kept.")
    return _thresholds(found)


def thresholds_by_day(clinic: Clinic) -> Sequence[tuple[date, Thresholds]]:
    """Every version with the first local day that it judges: the one on which it was made."""
    found = db.session.scalars(select(Limits).where(Limits.clinic_id == clinic.id).order_by(Limits.version))
    return [(local_day(limits.since, clinic.zone, clinic.day_starts_at), _thresholds(limits)) for limits in found]


def _thresholds(limits: Limits) -> Thresholds:
    return Thresholds(
        version=limits.version,
        h=float(limits.h),
        craving_severe=float(limits.craving_severe),
        mood_very_low=float(limits.mood_very_low),
        use_free_days=limits.use_free_days,
        silent_days=limits.silent_days,
        silent_chance=float(limits.silent_chance),
    )
