"""Who is in the clinic: Bob and Dan, their patients, and what became of each patient's alert."""

import uuid
from dataclasses import dataclass

import psycopg

from server.app import create_app
from server.extensions import db
from server.models import Role
from server.services.care_teams import replace_care_team
from server.settings import Settings
from tests.factories import make_actors, make_member, make_patient, tokens_of
from tests.faults.system import Faulty, Phone

ABOUT = (
    "SELECT id FROM check_in WHERE patient_id = %(patient)s",
    "SELECT id FROM alert WHERE patient_id = %(patient)s AND state <> 'resolved'",
    "SELECT e.id, e.state FROM alert_email e JOIN alert ON alert.id = alert_id WHERE patient_id = %(patient)s",
    "SELECT args->>'email_id' FROM procrastinate_jobs WHERE task_name = 'deliver'",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What is stored about one patient, and which of the mails about it came in whole at the mail server."""

    check_ins: int
    alerts: int
    """Not yet closed by anybody."""
    emails: dict[uuid.UUID, str]
    """By id, with their states."""
    jobs: set[str]
    """The emails, by id, that have a job on the queue."""
    came: int


def phones(system: Faulty, size: int) -> list[Phone]:
    """Of so many patients. Bob is told of them first and Dan next."""
    app = create_app(Settings.from_env(system.environment))
    with app.app_context():
        actors = make_actors(system.now())
        dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", system.now())
        made = []
        for patient in [actors.ada, *(make_patient(actors.bob, system.now()) for _ in range(size - 1))]:
            replace_care_team(patient, [actors.bob.id, dan.id])
            db.session.commit()
            tokens = tokens_of(app, patient)
            phone = Phone(system.browser(), tokens["refresh_token"], patient.id)
            phone.browser.token = tokens["access_token"]
            made.append(phone)
        db.session.remove()
        db.engine.dispose()
    return made


def told_of(system: Faulty, phone: Phone) -> Told:
    """All of one moment."""
    of = {"patient": phone.patient_id}
    with system.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        check_ins, alerts, emails, jobs = (connection.execute(asked, of).fetchall() for asked in ABOUT)
    ids = {f"<{email_id}@interlude.example>" for email_id, _ in emails}
    came = sum(message["Message-ID"] in ids for message in list(system.mail.came))
    return Told(len(check_ins), len(alerts), dict(emails), {job for (job,) in jobs}, came)


def mails_are_known(system: Faulty) -> bool:
    """Each mail that came is one that is stored: a repeat is the same message, by its Message-ID."""
    stored = system.query("SELECT id FROM alert_email UNION ALL SELECT id FROM member_mail")
    known = {f"<{email_id}@interlude.example>" for (email_id,) in stored}
    return {str(message["Message-ID"]) for message in list(system.mail.came)} <= known
