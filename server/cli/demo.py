"""`flask demo`: a clinic to try things on, with three members and twelve simulated patients."""

import json
import os
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from tqdm import tqdm

from server.cli.demo_accounts import ADMIN_EMAIL, MEMBERS, accounts_of, demo_password, totp_secret
from server.cli.rehearsal import check_in, closing, evening
from server.cli.simulated import COURSE_STARTS, DAYS, STORIES, SimulatedDay, days_of
from server.clock import local_day
from server.extensions import db, now, parts
from server.models import Alert, AlertState, Clinic, ConsentKind, Member, Patient, Purpose, SessionState, What
from server.scope import clinic_of_member, enter
from server.services import clinics, consents, courses, identities, keys, patients, watch
from server.services.routes import next_step_at, routing_of
from server.services.second_factor import enrol
from server.services.wordings import WORDINGS

ZONE = "America/New_York"
NAME = "Demo clinic (every patient is simulated)"
FRONT_DESK = "front-desk@demo.example"
# The second of the stories gets worse, and a mail goes outside.
LETS_OUTSIDE_HEAR = 2


@click.command()
@click.option("--accounts", type=click.Path(dir_okay=False, path_type=Path), help="Where to write who can sign in.")
def demo(accounts: Path | None) -> None:
    """Create the demo clinic, once; again only writes who can sign in.

    One transaction: stopped halfway, it leaves nothing. The passwords come from DEMO_SECRET, so none is stored.
    """
    if not parts().settings.demo_secret:
        raise click.ClickException("DEMO_SECRET is not set: the demo's passwords are made from it.")
    clinic_id = clinic_of_member(keys.email_index(ADMIN_EMAIL))
    if clinic_id is None:
        clinic_id = _make_clinic().id
        db.session.commit()
    else:
        enter(clinic_id)
    _set_up_second_step()
    db.session.commit()
    if accounts:
        _write_privately(accounts, accounts_of(db.session.get_one(Clinic, clinic_id), now()))


def _set_up_second_step() -> None:
    """Also in a demo of before there were second steps."""
    index = keys.email_index(ADMIN_EMAIL)
    admin = db.session.scalars(select(Member).where(Member.email_index == index)).one()
    if admin.totp_since is None:
        enrol(admin, totp_secret(ADMIN_EMAIL), now())


def _make_clinic() -> Clinic:
    today = local_day(now(), ZONE, 4)
    first_day = today - timedelta(days=DAYS)
    begins = evening(first_day - timedelta(days=1), ZONE)
    clinic = clinics.create_clinic(NAME, ZONE, begins)
    bob, dana, _ = (clinics.add_member(clinic.id, *who, demo_password(who[2]), begins) for who in MEMBERS)
    diaries: dict[uuid.UUID, dict[int, SimulatedDay]] = {}
    for number, story in enumerate(tqdm(STORIES, desc="Simulated patients", unit="patient"), start=1):
        clinician = bob if number % 3 else dana
        patient = _enrol(clinician, number, begins)
        _treat(clinician, patient, story.indication, story.target, first_day)
        if number == LETS_OUTSIDE_HEAR:
            _let_outside_hear(patient, begins)
        diaries[patient.id] = {said.day: said for said in days_of(story, seed=number)}
    for day in tqdm(range(DAYS), desc="Days of check-ins", unit="day"):
        _play(clinic, first_day + timedelta(days=day), {who: diary.get(day) for who, diary in diaries.items()})
    routing_of(clinic.id).escalation_email = FRONT_DESK
    for alert in db.session.scalars(select(Alert).where(Alert.state == AlertState.OPEN)):
        # Nobody escalated in the past that was played: what is open waits from now on.
        alert.escalate_at = next_step_at(alert.severity, clinic, now())
    return clinic


def _enrol(clinician: Member, number: int, at: Any) -> Patient:
    by = identities.of_member(clinician)
    said = {"reference": f"Simulated {number:02d}", "zone": ZONE, "language": "en", "region": "US"}
    patient = patients.create_patient(by, said, at + timedelta(seconds=number))
    _, code = patients.invite(by, patient.id, at)
    return patients.redeem_invite(code, demo_password(patient.code), "Simulated phone", ZONE, at)


def _let_outside_hear(patient: Patient, at: datetime) -> None:
    """Whoever treats this patient elsewhere is asked to call when there is an alert."""
    said = {
        "kind": ConsentKind.DISCLOSURE,
        "wording": WORDINGS[ConsentKind.DISCLOSURE].version,
        "purpose": Purpose.TREATMENT,
        "what": What.ALERTS,
        "recipient_name": "Dr. Gray (simulated), family doctor",
        "recipient_email": "gray@outside.example",
        "expires_on": at.date() + timedelta(days=365),
    }
    consents.grant(identities.of_patient(patient), said, at)


def _treat(clinician: Member, patient: Patient, indication: str, target: str, first_day: date) -> None:
    by = identities.of_member(clinician)
    said = {
        "indication": indication,
        "target": target,
        "protocol": "10 Hz, 3000 pulses",
        "planned_sessions": 30,
        "first_day": first_day + timedelta(days=COURSE_STARTS),
        "starts_at": "09:00",
        "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "sessions_per_day": 1,
        "gap_minutes": 60,
    }
    course = courses.create_course(by, patient.id, said, patient.created_at)
    for session in courses.course_sessions(by, course.id):
        if session.starts_at < now():
            courses.change_session(by, session.id, {"state": SessionState.ATTENDED}, patient.created_at)


def _play(clinic: Clinic, day: date, said_by: dict[uuid.UUID, SimulatedDay | None]) -> None:
    """One day: whoever checks in does, and is assessed; then the day closes for all."""
    at = evening(day, ZONE)
    for patient_id, said in said_by.items():
        if said is not None:
            check_in(patient_id, at, ZONE, {"craving": said.craving, "mood": said.mood, "used": said.used})
    for moment in (at + timedelta(minutes=1), closing(day, clinic)):
        watch.assess(watch.due_in(clinic.id, moment), moment)


def _write_privately(path: Path, accounts: list[dict[str, Any]]) -> None:
    """For the owner's eyes only, from its first byte."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(accounts, file, indent=1)
