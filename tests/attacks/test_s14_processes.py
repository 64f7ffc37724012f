"""S14 in life: requests that share a connection, the scheduler, the worker, and a database set up wrongly."""

import asyncio
import uuid
from datetime import timedelta
from email.message import EmailMessage

import pytest
from click import ClickException
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import NullPool, create_engine, func, inspect, select, text

from server.app import create_app
from server.extensions import db
from server.jobs import JOBS
from server.jobs.assessing import assess
from server.jobs.delivering import deliver
from server.local.postgres import EmbeddedPostgres
from server.models import Patient
from server.scheduler import run_tick
from server.scope import enter, entered
from server.settings import Settings
from server.worker import work
from tests.api.problem import assert_problem
from tests.attacks.conftest import Clinics
from tests.catalog import scratch_database
from tests.conftest import Clock
from tests.database import digest, one, rows
from tests.factories import Actors, settings_for, signed_in

PID = text("SELECT pg_backend_pid()")
NAMED = text("SELECT current_setting('interlude.clinic', true)")


def patients_seen() -> int:
    return db.session.scalar(select(func.count()).select_from(Patient)) or 0


def test_a_pooled_connection_carries_no_clinic_on(app: Flask, clinics: Clinics) -> None:
    """One connection, one after the other: a session of each clinic, one that fails, one without a clinic."""
    db.session.rollback()
    db.engine.dispose()
    used = set()
    for clinic_id, ends in ((clinics.ours, "commit"), (clinics.theirs, "rollback"), (clinics.ours, "neither")):
        with app.app_context():
            assert (entered(), patients_seen()) == (None, 0)
        with app.app_context():
            enter(clinic_id)
            assert patients_seen() == one("SELECT count(*) FROM patient WHERE clinic_id = :id", id=clinic_id)
            used.add(db.session.scalar(PID))
            if ends != "neither":
                getattr(db.session, ends)()
        with app.app_context():
            used.add(db.session.scalar(PID))
            assert not db.session.scalar(NAMED)
    assert len(used) == 1


def test_the_clinic_holds_after_a_commit_and_after_a_rollback(app: Flask, clinics: Clinics) -> None:
    with app.app_context():
        enter(clinics.theirs)
        for end in (db.session.commit, db.session.rollback, db.session.commit):
            assert db.session.scalars(select(Patient.id)).all() == [clinics.cyd]
            end()
        assert db.session.scalars(select(Patient.id)).all() == [clinics.cyd]


def test_who_enters_another_clinic_takes_nothing_along(app: Flask, clinics: Clinics) -> None:
    with app.app_context():
        enter(clinics.theirs)
        assert db.session.get(Patient, clinics.cyd) is not None
        enter(clinics.ours)
        assert db.session.get(Patient, clinics.cyd) is None
        with db.session.begin_nested(), pytest.raises(RuntimeError):
            enter(clinics.theirs)


def test_two_requests_of_two_clinics_in_turn(app: Flask, client: FlaskClient, clinics: Clinics, actors: Actors) -> None:
    for member, sees_cyd in ((actors.bob, False), (actors.carol, True), (actors.bob, False)):
        headers = signed_in(app, member)
        ids = {item["id"] for item in client.get("/v1/patients", headers=headers).get_json()["items"]}
        assert ids
        assert (str(clinics.cyd) in ids) is sees_cyd
        # The commit within this request does not end it.
        course = client.patch(f"/v1/patients/{clinics.cyd}", json={"paused": True}, headers=headers)
        assert course.status_code == (200 if sees_cyd else 404)


def test_the_scheduler_makes_batches_of_one_clinic_each(app: Flask, clinics: Clinics, clock: Clock) -> None:
    for job in JOBS:
        run_tick(app, job, timedelta(minutes=1), clock)
    queued = rows("""
        SELECT (args ->> 'clinic_id')::uuid, array_agg(DISTINCT patient.clinic_id)
        FROM procrastinate_jobs, jsonb_array_elements_text(args -> 'patient_ids') AS one_of
        JOIN patient ON patient.id = one_of::uuid
        WHERE task_name = 'assess' GROUP BY 1
    """)
    assert dict(queued) == {clinics.ours: [clinics.ours], clinics.theirs: [clinics.theirs]}


def test_the_worker_serves_each_clinic_in_turn(
    app: Flask, clinics: Clinics, clock: Clock, outbox: list[EmailMessage]
) -> None:
    for job in JOBS:
        run_tick(app, job, timedelta(minutes=1), clock)
    asyncio.run(work(app, 1, wait=False))
    assert rows("SELECT count(*) FROM watch WHERE looked_at IS NULL AND due_at <= :now", now=clock()) == [(0,)]
    assert {str(mail["To"]) for mail in outbox} == {"bob@clinic.example", "carol@elsewhere.example"}
    assert rows("SELECT DISTINCT state FROM alert_email") == [("sent",)]


def test_a_job_that_names_another_clinics_rows_does_nothing(
    app: Flask, clinics: Clinics, outbox: list[EmailMessage]
) -> None:
    email_id = one("SELECT id FROM alert_email WHERE clinic_id = :theirs", theirs=clinics.theirs)
    before = digest()
    with app.app_context():
        assess(clinic_id=str(clinics.ours), patient_ids=[str(clinics.cyd)])
        deliver(clinic_id=str(clinics.ours), email_id=str(email_id))
        assess(clinic_id=str(uuid.uuid4()), patient_ids=[str(clinics.cyd)])
    assert (digest(), outbox) == (before, [])


def test_an_app_that_connects_as_the_owner_is_not_ready(settings: Settings) -> None:
    unbound = create_app(settings_for(settings.migration_database_url, settings.migration_database_url))
    assert_problem(unbound.test_client().get("/readyz"), 503)
    with unbound.app_context():
        db.engine.dispose()


def test_migrations_refuse_to_make_the_app_role_the_owner(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "one_role") as scratch:
        app = create_app(settings_for(scratch.migration_database_url, scratch.migration_database_url))
        refused = pytest.raises(ClickException, match="MIGRATION_DATABASE_URL must name another role")
        with app.app_context(), refused:
            upgrade()
        engine = create_engine(scratch.migration_database_url, poolclass=NullPool)
        assert inspect(engine).get_table_names() == []
