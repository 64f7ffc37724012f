"""What the attacks share."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.message import EmailMessage

import pytest
from flask import Flask, current_app
from sqlalchemy import Connection, text

from server.extensions import Parts, db
from server.models import Answer, Patient
from server.scope import enter
from server.sealing import Keyring
from server.services import check_ins, consents, courses, identities
from server.settings import Settings
from tests.attacks.forging import Pair
from tests.attacks.things import Things, make_things
from tests.conftest import Clock
from tests.database import change, one
from tests.factories import Actors, check_in_body, course_body, disclosure_fields, make_patient, tokens_of
from tests.log_net import Lines, every_line
from tests.worlds import Worlds

Switch = Callable[[str], None]
AsApp = Callable[[uuid.UUID | None], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Clinics:
    """Bob's, which the test's session works for, and Carol's, with her patient Cyd and an alert about Cyd."""

    ours: uuid.UUID
    theirs: uuid.UUID
    cyd: uuid.UUID
    alert: uuid.UUID
    consent: uuid.UUID


@pytest.fixture
def clinics(actors: Actors, clock: Clock, worlds: Worlds) -> Clinics:
    return worlds.begin(_make_clinics, actors, at=clock())


def _make_clinics(actors: Actors, now: datetime) -> Clinics:
    make_things(actors, now)
    with current_app.app_context():
        enter(actors.elsewhere.id)
        cyd = _make_cyd(actors, now)
    change("""
        INSERT INTO pause (id, clinic_id, patient_id, why, first_day, begun_at)
        SELECT gen_random_uuid(), clinic_id, id, 'clinic', created_at, created_at FROM patient
    """)
    change("INSERT INTO watch (patient_id, clinic_id) SELECT id, clinic_id FROM patient ON CONFLICT DO NOTHING")
    change("""
        INSERT INTO sign_in (id, clinic_id, member_id, created_at, last_used_at, ends_at, current_hash)
        SELECT gen_random_uuid(), clinic_id, id, created_at, created_at, created_at, '' FROM member
    """)
    change("""
        INSERT INTO sign_in (id, clinic_id, patient_id, created_at, last_used_at, ends_at, current_hash)
        SELECT gen_random_uuid(), clinic_id, id, created_at, created_at, created_at, '' FROM patient
    """)
    change("""
        INSERT INTO push_address (clinic_id, sign_in_id, patient_id, address_sealed, address_index, given_at)
        SELECT clinic_id, id, patient_id, '', CAST(id::text AS bytea), created_at FROM sign_in
        WHERE patient_id IS NOT NULL ON CONFLICT DO NOTHING
    """)
    change("""
        INSERT INTO break_glass (id, clinic_id, patient_id, member_id, reason_sealed, at, ends_at)
        SELECT gen_random_uuid(), clinic_id, patient_id, member_id, '', now(), now() + interval '1 hour' FROM care_team
    """)
    change("""
        INSERT INTO password_reset (member_id, clinic_id, token_hash, token_version, expires_at)
        SELECT id, clinic_id, CAST('of ' || name AS bytea), 1, now() FROM member WHERE role = 'clinician'
    """)
    change("""
        INSERT INTO disclosure (id, clinic_id, patient_id, consent_id, email_id, at, recipient_name_sealed,
                                recipient_email_sealed, reference, purpose, what, severity)
        SELECT gen_random_uuid(), clinic_id, patient_id, id, gen_random_uuid(), granted_at, '', '', '', purpose, what,
               ''
        FROM consent
    """)
    change("INSERT INTO erasure SELECT gen_random_uuid(), id, 'ERASED', '{}', now() FROM clinic")
    change("""
        INSERT INTO check_in_version (clinic_id, patient_id, id, version, recorded_at, zone, offset_minutes,
                                      offset_known, received_at, replaced_at, day, form_version, substances, triggers)
        SELECT clinic_id, patient_id, id, version, recorded_at, zone, offset_minutes, offset_known, received_at,
               received_at, day, form_version, substances, triggers
        FROM check_in
    """)
    change("""
        INSERT INTO urge (clinic_id, patient_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day,
                          craving, triggers)
        SELECT clinic_id, patient_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day, 5, '{}'
        FROM check_in
    """)
    change("""
        INSERT INTO urge_version (clinic_id, patient_id, id, version, recorded_at, zone, offset_minutes, offset_known,
                                  received_at, replaced_at, day, craving, triggers)
        SELECT clinic_id, patient_id, id, version, recorded_at, zone, offset_minutes, offset_known, received_at,
               received_at, day, craving, triggers
        FROM urge
    """)
    change("""
        INSERT INTO quarantined_item (id, clinic_id, patient_id, kind, received_at, digest, said_sealed, cut, problem,
                                      pointers)
        SELECT gen_random_uuid(), clinic_id, patient_id, 'urge', received_at, '', '', false, '', '{}' FROM check_in
        ON CONFLICT DO NOTHING
    """)
    change("""
        INSERT INTO tombstone (clinic_id, patient_id, id, kind, change)
        SELECT clinic_id, id, gen_random_uuid(), 'session', 1 FROM patient
    """)
    change("DELETE FROM absence; DELETE FROM on_call")
    change("""
        INSERT INTO absence (id, clinic_id, member_id, deputy_id, first_day, last_day, created_at, created_by)
        SELECT gen_random_uuid(), one.clinic_id, one.id, other.id, now(), now(), now(), one.id
        FROM member one JOIN member other ON other.clinic_id = one.clinic_id AND other.id <> one.id
    """)
    change("""
        INSERT INTO on_call (id, clinic_id, member_id, begins_at, ends_at, created_at, created_by)
        SELECT gen_random_uuid(), clinic_id, id, now(), now() + interval '1 day', now(), id FROM member
    """)
    change("""
        INSERT INTO member_mail (id, clinic_id, member_id, kind, alert_id, day, urgent, prompt, routine, unrouted,
                                 undeliverable, state, attempts, due_at, queued_at, created_at)
        SELECT gen_random_uuid(), clinic_id, member_id, 'alarm', alert_id, now(), 0, 0, 0, 1, 0, 'queued', 0, now(),
               now(), now()
        FROM alert_email WHERE member_id IS NOT NULL
    """)
    change("""
        INSERT INTO webhook_call (id, clinic_id, alert_id, event_id, because, state, attempts, due_at, queued_at,
                                  created_at)
        SELECT gen_random_uuid(), clinic_id, alert_id, id, 'unrouted', 'queued', 0, now(), now(), now() FROM alert_event
    """)
    change("INSERT INTO audit_head (clinic_id, seq, link) SELECT id, 1, '' FROM clinic")
    change("""
        INSERT INTO audit_event (clinic_id, seq, at, actor, action, patients, what, key_id, link)
        SELECT id, 1, now(), 'member', 'patients_listed', '{}', '{}', '', '' FROM clinic
    """)
    alert = one("SELECT id FROM alert WHERE patient_id = :cyd", cyd=cyd)
    consent = one("SELECT id FROM consent WHERE patient_id = :cyd AND kind = 'disclosure'", cyd=cyd)
    return Clinics(actors.clinic.id, actors.elsewhere.id, cyd, alert, consent)


def _make_cyd(actors: Actors, now: datetime) -> uuid.UUID:
    cyd = make_patient(actors.carol, now).id
    course = course_body() | {"first_day": date(2026, 5, 4)}
    courses.create_course(identities.of_member(actors.carol), cyd, course, now)
    yes = check_in_body(now, self_harm_thoughts=Answer.YES) | {"recorded_at": now}
    check_ins.put_check_in(cyd, uuid.uuid4(), yes, now)
    consents.grant(identities.of_patient(db.session.get_one(Patient, cyd)), disclosure_fields(now), now)
    db.session.commit()
    return cyd


@pytest.fixture
def as_app(app: Flask) -> AsApp:
    """A transaction of the app's role for this clinic, or for none; it is undone at its end."""

    @contextmanager
    def transaction(clinic_id: uuid.UUID | None) -> Iterator[Connection]:
        with db.engine.connect() as connection:
            if clinic_id is not None:
                connection.execute(text("SELECT set_config('interlude.clinic', :id, true)"), {"id": str(clinic_id)})
            yield connection
            connection.rollback()

    return transaction


@pytest.fixture
def switch(app: Flask, settings: Settings, clock: Clock, outbox: list[EmailMessage]) -> Switch:
    """To other DATA_KEYS."""

    def to(data_keys: str) -> None:
        db.session.rollback()
        keys = Keyring.parse(data_keys)
        app.extensions["interlude"] = Parts(replace(settings, data_keys=keys), clock, outbox.append)

    return to


@pytest.fixture
def pair(app: Flask, actors: Actors) -> Pair:
    """Bob's tokens."""
    return tokens_of(app, actors.bob)


@pytest.fixture
def things(actors: Actors, clock: Clock, worlds: Worlds) -> Things:
    return worlds.begin(make_things, actors, at=clock())


@pytest.fixture
def lines() -> Iterator[Lines]:
    with every_line() as lines:
        yield lines
