"""Patients with a phone each, in our database and in those of the others: made in bulk, signed in, never timed."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

import jwt
import psycopg
from flask import Flask
from sqlalchemy import insert, text

from bench.api.phones import ZONE
from server.api.tokens import issue, lasting
from server.clock import utcnow
from server.extensions import db
from server.models import Patient, Role, SignIn
from server.scope import enter
from server.services import clinics
from server.services.identities import Identity
from server.services.sign_ins import Given

HISTORY = 14  # days that everybody has reported already
MADE_AT_ONCE = 2_000


def ours(app: Flask, patients: int) -> list[str]:
    """A clinic of so many, each with a diary; returns an access token for each phone."""
    now = utcnow()
    with app.app_context():
        clinic = clinics.create_clinic("Bench", ZONE, now)
        db.session.commit()
        tokens = []
        for at in range(0, patients, MADE_AT_ONCE):
            tokens += _enrol(clinic.id, min(MADE_AT_ONCE, patients - at), now)
        db.session.execute(text(DIARIES), {"history": HISTORY})
        db.session.commit()
        db.engine.dispose()
    return tokens


def _enrol(clinic_id: uuid.UUID, patients: int, now: datetime) -> list[str]:
    enter(clinic_id)
    ids = [uuid.uuid4() for _ in range(patients)]
    given = [
        Given(Identity(Role.PATIENT, one, clinic_id, 1), uuid.uuid4(), uuid.uuid4().hex, now + lasting().at_most)
        for one in ids
    ]
    db.session.execute(insert(Patient), [_patient(one, clinic_id, now) for one in ids])
    db.session.execute(insert(SignIn), [_sign_in(one, now) for one in given])
    db.session.commit()
    return [issue(one)["access_token"] for one in given]


def _patient(patient_id: uuid.UUID, clinic_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": patient_id,
        "clinic_id": clinic_id,
        "code": patient_id.hex,
        "zone": ZONE,
        "language": "en",
        "region": "US",
        "password_hash": "no one signs in with it",
        "created_at": now,
        "monitored_from": now.date() - timedelta(days=HISTORY),
    }


def _sign_in(given: Given, now: datetime) -> dict[str, Any]:
    return {
        "id": given.sign_in_id,
        "clinic_id": given.identity.clinic_id,
        "patient_id": given.identity.id,
        "created_at": now,
        "last_used_at": now,
        "ends_at": given.ends_at,
        "current_hash": hashlib.sha256(given.pair.encode()).digest(),
    }


DIARIES = """
INSERT INTO check_in (patient_id, clinic_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day,
                      counts, form_version, craving, mood, used, substances, triggers)
SELECT patient.id, clinic_id, gen_random_uuid(), at, zone, -300, true, at,
       (at AT TIME ZONE zone - interval '4 hours')::date, true, '1', back % 11,
       10 - back % 11, 'no', '{}', '{stress}'
FROM patient, generate_series(1, :history) AS back,
     LATERAL (SELECT now() - make_interval(days => back) AS at) AS day_before
"""
PEER_TABLES = """
CREATE TABLE patient (id uuid PRIMARY KEY, zone text NOT NULL);
CREATE TABLE check_in (
    patient_id uuid NOT NULL REFERENCES patient, id uuid NOT NULL, recorded_at timestamptz NOT NULL, zone text NOT NULL,
    form_version text NOT NULL, craving numeric(3, 1), mood numeric(3, 1), used text, triggers text[] NOT NULL,
    note text,
    PRIMARY KEY (patient_id, id)
);
CREATE INDEX ON check_in (patient_id, recorded_at);
"""


def theirs(owner: psycopg.Connection, schema: str, patients: int, secret: str) -> list[str]:
    """The same in a schema of the peer's own; returns tokens as the peer reads them."""
    owner.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}; {PEER_TABLES}")
    owner.execute("INSERT INTO patient SELECT gen_random_uuid(), %s FROM generate_series(1, %s)", [ZONE, patients])
    owner.execute(
        "INSERT INTO check_in SELECT patient.id, gen_random_uuid(), now() - make_interval(days => back), zone, '1', "
        "back %% 11, 10 - back %% 11, 'no', '{stress}' FROM patient, generate_series(1, %s) AS back",
        [HISTORY],
    )
    found = owner.execute("SELECT id FROM patient").fetchall()
    owner.execute("RESET search_path")
    ends = utcnow() + timedelta(hours=2)
    # Flask-JWT-Extended wants the claims that it would have written.
    claims = {"type": "access", "fresh": False, "iat": utcnow(), "exp": ends}
    return [
        jwt.encode({**claims, "sub": str(one), "jti": uuid.uuid4().hex}, secret, algorithm="HS256") for (one,) in found
    ]
