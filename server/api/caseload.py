"""What staff call: patients, invites, courses, sessions, members."""

import uuid
from typing import Any

from server.api.blueprint import PageQuery, Routes, page
from server.api.guard import CARE, MEMBERS, caller, requires
from server.extensions import db, now
from server.models import Action, Role
from server.schemas.check_ins import CheckInList, EarlierCheckInList
from server.schemas.clinics import ClinicChange, ClinicOut
from server.schemas.mine import ErasureList
from server.schemas.patients import (
    AdherenceOut,
    CourseChange,
    CourseIn,
    CourseList,
    CourseOut,
    InviteOut,
    MemberChange,
    MemberIn,
    MemberList,
    MemberOut,
    PatientChange,
    PatientIn,
    PatientList,
    PatientOut,
    PatientQuery,
    SessionIn,
    SessionList,
    SessionOut,
    ZoneList,
)
from server.services import check_ins, clinics, courses, limits, members, patients, zones
from server.services.adherence import adherence
from server.services.erasure import list_erasures
from server.services.pages import parse_cursor

routes = Routes("caseload", __name__, url_prefix="/v1", description="The care team and the clinic")


@routes.get("/patients")
@requires(*MEMBERS, audit=Action.PATIENTS_LISTED)
@routes.arguments(PatientQuery, location="query")
@routes.response(200, PatientList)
def list_patients(query: dict[str, Any]) -> Any:
    """The patients in one's care (a clinician) or of the clinic (the others), newest first.

    Somebody outside who was written to and calls gives a reference: `consent_reference` finds the patient.
    """
    cursor, reference = parse_cursor(query.get("cursor")), query.get("consent_reference")
    found = patients.list_patients(caller(), cursor, query["limit"], reference)
    return page(found, query["limit"], "created_at")


@routes.post("/patients")
@requires(*CARE, audit=Action.PATIENT_CREATED)
@routes.arguments(PatientIn)
@routes.response(201, PatientOut)
@routes.alt_response(409, "conflict")
def create_patient(said: dict[str, Any]) -> Any:
    """A new patient; a clinician who creates one is the care team unless another is given."""
    patient = patients.create_patient(caller(), said, now())
    db.session.commit()
    return patient


@routes.get("/patients/<uuid:patient_id>")
@requires(*MEMBERS, audit=Action.PATIENT_READ)
@routes.response(200, PatientOut)
@routes.alt_response(404, "not-found")
def show_patient(patient_id: uuid.UUID) -> Any:
    """One patient."""
    return patients.get_patient(caller(), patient_id)


@routes.patch("/patients/<uuid:patient_id>")
@requires(*CARE, audit=Action.PATIENT_CHANGED)
@routes.arguments(PatientChange)
@routes.response(200, PatientOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def change_patient(said: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """Change what the clinic keeps of a patient: monitoring, pause, zone, region, care team, whether active."""
    patient = patients.change_patient(caller(), patient_id, said, now())
    db.session.commit()
    return patient


@routes.post("/patients/<uuid:patient_id>/invites")
@requires(*CARE, audit=Action.PATIENT_INVITED)
@routes.response(201, InviteOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def invite(patient_id: uuid.UUID) -> Any:
    """A single-use code for the patient's phone; earlier unused ones stop working."""
    made, code = patients.invite(caller(), patient_id, now())
    db.session.commit()
    return {"code": code, "expires_at": made.expires_at}


@routes.get("/patients/<uuid:patient_id>/check-ins")
@requires(Role.CLINICIAN, audit=Action.CHECK_INS_READ)
@routes.arguments(PageQuery, location="query")
@routes.response(200, CheckInList)
@routes.alt_response(404, "not-found")
def list_patient_check_ins(query: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """What a patient in one's care reported, newest first."""
    patient = patients.get_patient(caller(), patient_id)
    found = check_ins.list_check_ins(patient.id, parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "recorded_at")


@routes.get("/patients/<uuid:patient_id>/check-ins/<uuid:check_in_id>/versions")
@requires(Role.CLINICIAN, audit=Action.CHECK_INS_READ)
@routes.response(200, EarlierCheckInList)
@routes.alt_response(404, "not-found")
def list_earlier_versions(patient_id: uuid.UUID, check_in_id: uuid.UUID) -> Any:
    """What a check-in said before each edit, the latest first."""
    patient = patients.get_patient(caller(), patient_id)
    return {"items": check_ins.earlier_versions(patient.id, check_in_id)}


@routes.get("/patients/<uuid:patient_id>/zones")
@requires(*MEMBERS, audit=Action.ZONES_READ)
@routes.response(200, ZoneList)
@routes.alt_response(404, "not-found")
def show_zones(patient_id: uuid.UUID) -> Any:
    """In which zones the patient was, since when, and who said so: the latest 200, newest first."""
    return {"items": zones.list_zones(patients.get_patient(caller(), patient_id).id)}


@routes.get("/patients/<uuid:patient_id>/adherence")
@requires(*MEMBERS, audit=Action.ADHERENCE_READ)
@routes.response(200, AdherenceOut)
@routes.alt_response(404, "not-found")
def show_adherence(patient_id: uuid.UUID) -> Any:
    """On which of the last 90 local days the patient checked in."""
    return adherence(patients.get_patient(caller(), patient_id), now())


@routes.get("/patients/<uuid:patient_id>/courses")
@requires(*MEMBERS, audit=Action.COURSES_READ)
@routes.response(200, CourseList)
@routes.alt_response(404, "not-found")
def list_courses(patient_id: uuid.UUID) -> Any:
    """A patient's courses of treatment."""
    return {"items": courses.list_courses(caller(), patient_id)}


@routes.post("/patients/<uuid:patient_id>/courses")
@requires(*CARE, audit=Action.COURSE_CREATED)
@routes.arguments(CourseIn)
@routes.response(201, CourseOut)
@routes.alt_response(404, "not-found")
def create_course(said: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """A course of treatment; its sessions are laid out at once."""
    course = courses.create_course(caller(), patient_id, said, now())
    db.session.commit()
    return course


@routes.patch("/courses/<uuid:course_id>")
@requires(*CARE, audit=Action.COURSE_CHANGED)
@routes.arguments(CourseChange)
@routes.response(200, CourseOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def shorten_course(said: dict[str, Any], course_id: uuid.UUID) -> Any:
    """Fewer sessions: the last ones go, unless they were attended or missed."""
    course = courses.shorten_course(caller(), course_id, said["planned_sessions"], now())
    db.session.commit()
    return course


@routes.get("/courses/<uuid:course_id>/sessions")
@requires(*MEMBERS, audit=Action.SESSIONS_READ)
@routes.response(200, SessionList)
@routes.alt_response(404, "not-found")
def list_course_sessions(course_id: uuid.UUID) -> Any:
    """The sessions of a course, in order."""
    return {"items": courses.course_sessions(caller(), course_id)}


@routes.patch("/sessions/<uuid:session_id>")
@requires(*MEMBERS, audit=Action.SESSION_CHANGED)
@routes.arguments(SessionIn)
@routes.response(200, SessionOut)
@routes.alt_response(404, "not-found")
def change_session(said: dict[str, Any], session_id: uuid.UUID) -> Any:
    """Say that a session was attended, missed or cancelled, or move it."""
    session = courses.change_session(caller(), session_id, said, now())
    db.session.commit()
    return session


@routes.get("/erasures")
@requires(*MEMBERS, audit=Action.ERASURES_LISTED)
@routes.arguments(PageQuery, location="query")
@routes.response(200, ErasureList)
def show_erasures(query: dict[str, Any]) -> Any:
    """Patients who erased their record, newest first: those whom one cared for (a clinician), or of the clinic."""
    found = list_erasures(caller(), parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "erased_at")


@routes.get("/clinic")
@requires(Role.ADMIN)
@routes.response(200, ClinicOut)
def show_clinic() -> Any:
    """The clinic with its current limits."""
    return limits.clinic_and_limits(caller().clinic_id)


@routes.patch("/clinic")
@requires(Role.ADMIN, audit=Action.CLINIC_CHANGED)
@routes.arguments(ClinicChange)
@routes.response(200, ClinicOut)
def change_clinic(said: dict[str, Any]) -> Any:
    """Change limits: a new version, which judges days from today on; alerts keep the version they were raised with.

    Or say whether every member needs a second step to sign in.
    """
    clinics.change_clinic(caller(), said, now())
    db.session.commit()
    return limits.clinic_and_limits(caller().clinic_id)


@routes.get("/members")
@requires(Role.ADMIN)
@routes.response(200, MemberList)
def list_members() -> Any:
    """Who works at the clinic."""
    return {"items": clinics.members(caller().clinic_id)}


@routes.post("/members")
@requires(Role.ADMIN, audit=Action.MEMBER_ADDED)
@routes.arguments(MemberIn)
@routes.response(201, MemberOut)
@routes.alt_response(409, "conflict")
def add_member(said: dict[str, Any]) -> Any:
    """A new member of the clinic."""
    member = clinics.add_member(caller().clinic_id, **said, now=now())
    db.session.commit()
    return member


@routes.patch("/members/<uuid:member_id>")
@requires(Role.ADMIN, audit=Action.MEMBER_CHANGED)
@routes.arguments(MemberChange)
@routes.response(200, MemberOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def change_member(said: dict[str, Any], member_id: uuid.UUID) -> Any:
    """Change a member's role, or disable a member; either signs the member out everywhere."""
    member = members.change_member(caller(), member_id, said, now())
    db.session.commit()
    return member
