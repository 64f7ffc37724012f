"""Courses of treatment: laying out the sessions, and what became of each."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, true
from sqlalchemy.dialects.postgresql import distinct_on

from server import trends
from server.clock import wall_day
from server.errors import Conflict, NotFound
from server.extensions import db
from server.models import PATIENT_HELD, Course, Patient, SessionState, TmsSession, Weekday
from server.services import audit, changes
from server.services.identities import Identity
from server.services.listed import any_of
from server.services.looks import look_at_once
from server.services.patients import get_patient, hold_patient, visible_to
from server.services.replays import replay


def create_course(caller: Identity, patient_id: uuid.UUID, fields: dict[str, Any], now: datetime) -> Course:
    """A course with its sessions laid out: on its weekdays from its first day, so many a day."""
    patient = hold_patient(caller, patient_id)
    course = Course(
        patient_id=patient.id,
        created_at=now,
        **{name: fields[name] for name in ("indication", "target", "protocol", "planned_sessions")},
    )
    db.session.add(course)
    db.session.flush()
    audit.concerns(course=course.id)
    starts = session_starts(
        fields["first_day"],
        time.fromisoformat(fields["starts_at"]),
        patient.clinic.zone,
        weekdays=[list(Weekday).index(weekday) for weekday in fields["weekdays"]],
        per_day=fields["sessions_per_day"],
        gap=timedelta(minutes=fields["gap_minutes"]),
    )
    for number, starts_at in zip(range(1, course.planned_sessions + 1), starts, strict=False):
        day = starts_at.astimezone(ZoneInfo(patient.clinic.zone)).date()
        session = TmsSession(
            course_id=course.id,
            patient_id=patient.id,
            number=number,
            day=day,
            starts_at=starts_at,
            state=SessionState.SCHEDULED,
        )
        changes.number(patient, session)
        db.session.add(session)
    replay(patient)
    db.session.flush()
    return course


def session_starts(
    first_day: date, at: time, zone: str, *, weekdays: Sequence[int], per_day: int, gap: timedelta
) -> Iterator[datetime]:
    """Endless instants of sessions: weekdays count from Monday 0; by the clinic's wall clock, so DST moves none."""
    day = first_day
    while True:
        if day.weekday() in weekdays:
            for turn in range(per_day):
                wall = datetime.combine(day, at) + turn * gap
                yield wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        day += timedelta(days=1)


def shorten_course(caller: Identity, course_id: uuid.UUID, planned_sessions: int, now: datetime) -> Course:
    """The last sessions are not to be; those that had come about already are in the way.

    Raises NotFound, alike for the missing and the foreign; Conflict for what cannot be taken back, or a longer course.
    """
    mine = visible_to(caller).with_only_columns(Patient.id)
    course = db.session.scalar(select(Course).where(Course.id == course_id, Course.patient_id.in_(mine)))
    if course is None:
        raise NotFound("There is no such course.")
    audit.concerns(course.patient_id)
    patient = db.session.get_one(Patient, course.patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    db.session.refresh(course)
    if planned_sessions > course.planned_sessions:
        raise Conflict("A course can be shortened here. For more sessions, create another course.")
    last = select(TmsSession).where(TmsSession.course_id == course.id, TmsSession.number > planned_sessions)
    for session in db.session.scalars(last.order_by(TmsSession.number).with_for_update()).all():
        if session.state in (SessionState.ATTENDED, SessionState.MISSED):
            raise Conflict("One of these sessions was attended or missed, so it stays.")
        changes.gone(patient, "session", session.id)
        db.session.delete(session)
    if planned_sessions < course.planned_sessions:
        course.planned_sessions = planned_sessions
        replay(patient)
        look_at_once(patient, now)
    db.session.flush()
    return course


def list_courses(caller: Identity, patient_id: uuid.UUID) -> Sequence[Course]:
    patient = get_patient(caller, patient_id)
    return db.session.scalars(
        select(Course).where(Course.patient_id == patient.id).order_by(Course.created_at, Course.id)
    ).all()


def course_sessions(caller: Identity, course_id: uuid.UUID) -> Sequence[TmsSession]:
    """Raises NotFound, alike for the missing and the foreign."""
    mine = visible_to(caller).with_only_columns(Patient.id)
    course = db.session.scalar(select(Course).where(Course.id == course_id, Course.patient_id.in_(mine)))
    if course is None:
        raise NotFound("There is no such course.")
    audit.concerns(course.patient_id)
    return course.sessions


def patient_sessions(patient_id: uuid.UUID) -> Sequence[TmsSession]:
    """All of a patient's sessions, in time."""
    return db.session.scalars(
        select(TmsSession).where(TmsSession.patient_id == patient_id).order_by(TmsSession.starts_at, TmsSession.number)
    ).all()


def change_session(caller: Identity, session_id: uuid.UUID, fields: dict[str, Any], now: datetime) -> TmsSession:
    """Sets its state, or moves it; its patient is due. Raises NotFound, alike for the missing and the foreign."""
    mine = visible_to(caller).with_only_columns(Patient.id)
    found = select(TmsSession).where(TmsSession.id == session_id, TmsSession.patient_id.in_(mine))
    session = db.session.scalar(found)
    if session is None:
        raise NotFound("There is no such session.")
    audit.concerns(session.patient_id)
    patient = db.session.get_one(Patient, session.patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    # The patient first, as whoever shortens a course does.
    session = db.session.scalar(found.with_for_update().execution_options(populate_existing=True))
    if session is None:
        raise NotFound("There is no such session.")
    if "starts_at" in fields:
        zone = patient.clinic.zone
        session.starts_at = fields["starts_at"]
        session.day = wall_day(session.starts_at.astimezone(ZoneInfo(zone)), 0)
    if "state" in fields:
        session.state = fields["state"]
    if db.session.is_modified(session):
        changes.number(patient, session)
    if fields:
        replay(patient)
        look_at_once(patient, now)
    db.session.flush()
    return session


def course_of(patient_id: uuid.UUID, known_at: datetime | None = None) -> trends.Course | None:
    """The latest course (of those that were known at an instant), as the engine takes it; None before any."""
    known = true() if known_at is None else Course.created_at <= known_at
    latest = (
        select(Course.id)
        .where(Course.patient_id == patient_id, known)
        .order_by(Course.created_at.desc(), Course.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = db.session.execute(
        select(TmsSession.number, TmsSession.day, TmsSession.state).where(TmsSession.course_id == latest)
    ).all()
    sessions = [trends.Session(number, day, trends.SessionState(state)) for number, day, state in found]
    return trends.Course(tuple(sessions)) if sessions else None


def courses_of(patient_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, trends.Course]:
    """The latest course of each of these patients who has one."""
    latest = (
        select(Course.id)
        .where(Course.patient_id == any_of(patient_ids))
        .ext(distinct_on(Course.patient_id))
        .order_by(Course.patient_id, Course.created_at.desc(), Course.id.desc())
    )
    found = db.session.execute(
        select(TmsSession.patient_id, TmsSession.number, TmsSession.day, TmsSession.state).where(
            TmsSession.course_id.in_(latest)
        )
    )
    sessions: dict[uuid.UUID, list[trends.Session]] = {}
    for patient_id, number, day, state in found:
        sessions.setdefault(patient_id, []).append(trends.Session(number, day, trends.SessionState(state)))
    return {patient_id: trends.Course(tuple(listed)) for patient_id, listed in sessions.items()}
