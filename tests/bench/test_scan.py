"""The caseload's bench: what it loads is what it reads, and its replay is the engine's own."""

import uuid
from datetime import timedelta

import numpy as np
import psycopg
from flask import Flask
from sqlalchemy import select

from bench.scan.load import FIRST, load, make_clinic, simulate_diaries
from bench.scan.replay import UNRATED, diaries, replay
from server.extensions import db
from server.libpq import conninfo
from server.models import Patient
from server.scope import enter
from server.services.limits import thresholds_of
from server.services.records import record_of
from server.settings import Settings
from server.trends.standing import ROW
from tests.conftest import MONDAY
from tests.trends.standings import stand

PATIENTS, DAYS = 30, 20


def test_what_is_loaded_is_what_is_replayed(app: Flask, settings: Settings) -> None:
    made = simulate_diaries(PATIENTS, DAYS, seed=3)
    with psycopg.connect(conninfo(settings.migration_database_url), autocommit=True) as owner:
        clinic = make_clinic(owner, made)
        count = load(owner, clinic, made, 0, DAYS)
        ids, said = diaries(owner, FIRST, DAYS)
    rated = said[0] != UNRATED
    assert count == int((made.craving >= 0).sum()) == int(rated.sum())
    places = {one.tobytes(): place for place, one in enumerate(made.ids)}
    made_of_them = made.craving.T[:, [places[one.tobytes()] for one in ids]]
    assert (said[0][rated] == made_of_them[rated] * 10).all()
    (stood,), looks = replay(said, FIRST.toordinal())
    assert looks > 0
    by_id = {row.tobytes(): kept.tobytes() for row, kept in zip(ids, np.frombuffer(stood.packed(), ROW), strict=True)}
    over = MONDAY.replace(year=FIRST.year, month=FIRST.month, day=FIRST.day) + timedelta(days=DAYS)
    enter(uuid.UUID(clinic))
    patients = db.session.scalars(select(Patient)).all()
    assert len(patients) == PATIENTS
    for patient in patients:
        record = record_of(patient, over)
        assert record.today == FIRST + timedelta(days=DAYS - 1)
        assert stand([record], thresholds_of(patient.clinic_id)).packed() == by_id[patient.id.bytes]
