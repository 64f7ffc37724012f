"""Watching: who must be looked at, and looking at one patient. What to find is server.trends' affair."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from psycopg.errors import LockNotAvailable
from sqlalchemy import or_, select, update
from sqlalchemy.exc import OperationalError

from server.extensions import db
from server.models import PATIENT_HELD, AlertEvent, Clinic, Patient, Watch
from server.scope import entered
from server.services.due import hold_due, hold_free, read_due, read_standing, still_due
from server.services.listed import Ids, any_of
from server.services.lost import is_lost
from server.services.notices import notify
from server.services.packed import dates
from server.services.raising import raise_news
from server.services.records import records_of
from server.services.replays import nothing_changes_for_all
from server.services.restating import restate
from server.services.standings import Batch, limits_of, look_over, write_back
from server.services.told import told_about
from server.trends import assess_each
from server.trends.caseload import enter_course
from server.trends.state import Bools

# A failing assessment is tried again, later each time, up to this long.
LONGEST_PAUSE = timedelta(hours=6)


def claim_due(now: datetime) -> Sequence[uuid.UUID]:
    """Marks the clinic's patients who are due as queued and returns them, for the caller to enqueue with this."""
    due = (
        select(Watch.patient_id)
        .join(Clinic, Clinic.id == Watch.clinic_id)
        .join(Patient, Patient.id == Watch.patient_id)
        .where(
            Watch.due_at <= now,
            Clinic.live,
            Patient.withdrawn_at.is_(None),
            or_(
                Watch.queued_at.is_(None),
                Watch.queued_at < Watch.due_at,
                is_lost(Watch.queued_at, now, "assess", "patient_ids", Watch.patient_id),
            ),
        )
        .with_for_update(of=Watch, key_share=True, skip_locked=True)
    )
    return db.session.scalars(
        update(Watch)
        .where(Watch.patient_id.in_(due))
        .values(queued_at=now)
        .returning(Watch.patient_id)
        .execution_options(synchronize_session=False)
    ).all()


def due_in(clinic_id: uuid.UUID, now: datetime) -> Sequence[uuid.UUID]:
    """Who is due in one clinic, live or not (a replay assesses its own)."""
    return db.session.scalars(
        select(Patient.id)
        .join(Watch, Watch.patient_id == Patient.id)
        .where(Patient.clinic_id == clinic_id, Patient.withdrawn_at.is_(None), Watch.due_at <= now)
        .order_by(Patient.created_at, Patient.id)
    ).all()


def pass_over(patient_ids: Ids, now: datetime) -> tuple[int, Ids]:
    """Looks at those of these patients who are due and of whom no rule has anything to say.

    Returns how many they were, and those of the others who are due, too: they need a closer look, and of them nothing
    is written. The transaction is the caller's, and of one clinic; it may be a large one, for what it holds it holds
    for no longer than it takes to write.
    """
    try:
        with db.session.begin_nested():
            return _pass_over(patient_ids, now)
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
    # Somebody takes their time with one of them. The others need not wait.
    free = hold_free(patient_ids)
    looked, closer = _pass_over(free, now)
    held = set(free.packed.tolist())
    others = patient_ids.of(np.array([one not in held for one in patient_ids.packed.tolist()], np.bool_))
    return looked, Ids.of_all([*closer, *still_due(others, now)])


def _pass_over(patient_ids: Ids, now: datetime) -> tuple[int, Ids]:
    # Of whom nothing is remembered, everything must be read, and then looked at closely: not here.
    due = read_standing(patient_ids, now)
    clinic = _clinic()
    batch = look_over(clinic, limits_of(clinic), due, now)
    written = write_back(batch, ~batch.close, now)
    closer: Bools = np.zeros(len(patient_ids), np.bool_)
    closer[due.asked] = batch.close
    others = ~closer
    if written == np.count_nonzero(~batch.close):
        others[due.asked] = False
    if others.any():
        # Not due, of no standing, or written by somebody meanwhile.
        unlooked = {one.bytes for one in still_due(patient_ids.of(others), now)}
        closer |= others & np.array([one in unlooked for one in patient_ids.packed.tolist()], np.bool_)
    return written, patient_ids.of(closer)


def assess(patient_ids: Sequence[uuid.UUID], now: datetime) -> int:
    """Looks at those of these patients who are due, and raises what is found; returns how many that were.

    Whoever needs it is looked at closely: every rule, on the whole diary. All of it is one transaction, the caller's,
    and of one clinic.
    """
    clinic = _clinic()
    held = hold_due(clinic, patient_ids, now)
    will_do = nothing_changes_for_all()  # before anything is read that is everybody's
    limits = limits_of(clinic)
    batch = look_over(clinic, limits, read_due(held, limits.begins), now)
    batch.will_do &= will_do
    look_closely(batch, now)
    everybody = np.ones_like(batch.close)
    if write_back(batch, everybody, now) != len(everybody):
        raise RuntimeError("a row that was held has moved: it was written while it was looked at")
    return len(everybody)


def _clinic() -> Clinic:
    return db.session.get_one(Clinic, entered())


def look_closely(batch: Batch, now: datetime) -> None:
    """Every rule on the whole diaries of those who need it, and what is out already brought into line with them."""
    close = np.flatnonzero(batch.close).tolist()
    if not close:
        return
    ids = list(batch.due.ids.of(batch.close))
    patients = _patients(ids)
    held = [patients[one] for one in ids]
    records = records_of(batch.clinic, held, dates(batch.closed[batch.close]))
    found, told = assess_each(records, batch.limits.versions), told_about(ids)
    news: list[tuple[Patient, AlertEvent]] = []
    for who, one, record, findings in zip(close, held, records, found, strict=True):
        enter_course(batch.rows, who, record.course, record.today)
        standing, mailed = raise_news(one, findings, told[one.id], now)
        news += [(one, event) for event in mailed]
        if restate(told[one.id], standing, record.today, now):
            # What an open day has told may change until it is over, and then is compared with the diary once more.
            batch.will_do[who] = False
    db.session.flush()
    notify(news, now)


def _patients(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Patient]:
    found = select(Patient).where(Patient.id == any_of(ids)).execution_options(populate_existing=True)
    return {patient.id: patient for patient in db.session.scalars(found)}


def record_failure(patient_id: uuid.UUID, error: Exception, now: datetime) -> None:
    """Keeps what kind of failure it was, and tries again later: the others must not wait for this one."""
    patient = db.session.get(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    if patient is None or patient.withdrawn_at is not None:  # erased or withdrawn since it was queued
        return
    watch = db.session.get(Watch, patient_id, with_for_update={"key_share": True}, populate_existing=True)
    if watch is None:
        return
    watch.failures = min(watch.failures + 1, 1000)
    watch.error = type(error).__name__
    watch.queued_at = None
    watch.due_at = now + min(timedelta(minutes=2 ** min(watch.failures, 10)), LONGEST_PAUSE)
    db.session.flush()
