"""Where a patient is, by whose word, and where before."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from server.clock import last_day_over
from server.extensions import db
from server.models import Patient, Watch, ZoneChange, ZoneFrom
from server.services import reminders
from server.services.changes import profile_changed
from server.services.clinics import check_zone
from server.services.listed import any_of
from server.services.own_days import Stretch, always, cut_by_travel
from server.services.replays import replay

SHOWN = 200


def first_zone(patient: Patient, now: datetime, member_id: uuid.UUID) -> None:
    """Where the clinic believes a new patient to be."""
    _add(patient, [], ZoneFrom.CLINIC, now, member_id)


def enrolled_in(patient: Patient, zone: str, now: datetime) -> None:
    """The phone that redeemed an invite says where it is. The caller holds the patient's row."""
    _move(patient, zone, ZoneFrom.ENROLLMENT, now)


def travelled(patient: Patient, zone: str, now: datetime) -> None:
    """The patient says so; the same zone again is nothing new. The caller holds the row."""
    if check_zone(zone) != patient.zone:
        _move(patient, zone, ZoneFrom.PATIENT, now)


def moved_by_clinic(patient: Patient, zone: str, now: datetime, member_id: uuid.UUID) -> None:
    """The clinic says so; the same zone again is nothing new. The caller holds the row."""
    if check_zone(zone) != patient.zone:
        _move(patient, zone, ZoneFrom.CLINIC, now, member_id)


def list_zones(patient_id: uuid.UUID) -> Sequence[ZoneChange]:
    """Newest first."""
    found = select(ZoneChange).where(ZoneChange.patient_id == patient_id)
    return db.session.scalars(found.order_by(ZoneChange.number.desc()).limit(SHOWN)).all()


def stretches_of(patient_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[Stretch, ...]]:
    """Where each of these patients was, since when."""
    found = select(ZoneChange).where(ZoneChange.patient_id == any_of(patient_ids))
    histories: dict[uuid.UUID, list[ZoneChange]] = {}
    for one in db.session.scalars(found.order_by(ZoneChange.patient_id, ZoneChange.number)):
        histories.setdefault(one.patient_id, []).append(one)
    return {patient_id: _stretches(history) for patient_id, history in histories.items()}


def _move(patient: Patient, zone: str, told_by: ZoneFrom, now: datetime, member_id: uuid.UUID | None = None) -> None:
    found = select(ZoneChange).where(ZoneChange.patient_id == patient.id).order_by(ZoneChange.number)
    history = list(db.session.scalars(found))
    _keep_closed(patient, history[-1].since)
    patient.zone = zone
    history.append(_add(patient, history, told_by, now, member_id))
    patient.days_cut_short = cut_by_travel(_stretches(history))
    profile_changed(patient, "zone")
    replay(patient)
    reminders.plan(patient, now)


def _add(
    patient: Patient, history: Sequence[ZoneChange], told_by: ZoneFrom, now: datetime, member_id: uuid.UUID | None
) -> ZoneChange:
    added = ZoneChange(
        patient_id=patient.id,
        clinic_id=patient.clinic_id,
        number=len(history) + 1,
        zone=patient.zone,
        since=now,
        told_by=told_by,
        member_id=member_id,
    )
    db.session.add(added)
    return added


def _keep_closed(patient: Patient, since: datetime) -> None:
    """What the last look closed in the zone that the patient leaves, and came to at `since`, stays closed."""
    # A look at this moment holds the row: what it closes is closed before the patient leaves.
    held = select(Watch.looked_at).where(Watch.patient_id == patient.id).with_for_update(key_share=True)
    looked_at = db.session.scalar(held)
    if looked_at is not None and looked_at >= since:
        closed = last_day_over(looked_at, patient.zone, patient.clinic.day_starts_at)
        patient.closed_elsewhere = max(closed, patient.closed_elsewhere or closed)


def _stretches(history: Sequence[ZoneChange]) -> tuple[Stretch, ...]:
    """From the first word of the patient's own phone on: what the clinic believed before was nobody's clock."""
    firsts = [place for place, one in enumerate(history) if one.told_by is not ZoneFrom.CLINIC]
    known = history[firsts[0] :] if firsts else history[-1:]
    # Alike for all who were never elsewhere.
    return (*always(known[0].zone), *((one.since, one.zone) for one in known[1:]))
