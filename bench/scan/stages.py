"""The stages, each in a process of its own, so that each has its own peak of memory: `python -m bench.scan.stages`."""

import json
import os
import resource
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from typing import Any, TypeAlias

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import select

from bench.scan.columns import drain, read, record, write
from bench.scan.load import FIRST
from bench.scan.replay import diaries, replay
from server.app import create_app
from server.extensions import db
from server.models import Clinic, Patient
from server.queue import conninfo
from server.scope import enter
from server.services import standings, watch
from server.settings import Settings
from server.trends.standing import ROW, VERSION

FLOOR = "SELECT patient_id, day, craving, mood FROM check_in WHERE counts AND day <"
STATES = "SELECT patient_id, version, standing FROM trend_state"
PATIENTS = "SELECT patient_id FROM (SELECT id AS patient_id FROM patient) AS one WHERE"
IDS = record(("id", "V16"))
STATE = record(("clinic_id", "V16"), ("patient_id", "V16"), ("version", ">i2"), ("standing", f"V{ROW.itemsize}"))
BATCH = 1_000  # patients of one transaction
CLOSE = 40  # closer looks that are timed
Out: TypeAlias = dict[str, Any]
Stage: TypeAlias = Callable[[psycopg.Connection, int], Out]


def floor(connection: psycopg.Connection, days: int) -> Out:
    """Every counting check-in out of PostgreSQL, looked at by nobody."""
    return {"bytes": drain(connection, f"{FLOOR} '{FIRST + timedelta(days=days)}'")}


def replayed(_: psycopg.Connection, days: int) -> Out:
    """The same rows, and the engine over all of them; the caseload in as many parts as there are processors."""
    parts = os.cpu_count() or 1
    edges = [f"'{uuid.UUID(int=part * (1 << 128) // parts)}'" for part in range(parts)]
    whose = [f"patient_id >= {low} AND patient_id < {high}" for low, high in pairwise(edges)]
    with get_context("fork").Pool(parts) as workers:
        outs = workers.map(partial(_replay_part, days), [*whose, f"patient_id >= {edges[-1]}"])
    return {name: sum(out[name] for out in outs) for name in ("looks", "check_ins", "peak_mb")}


def _replay_part(days: int, whose: str) -> Out:
    with psycopg.connect(conninfo(os.environ["MIGRATION_DATABASE_URL"])) as connection:
        ids = patient_ids(connection, whose)
        said = diaries(connection, ids, FIRST.toordinal(), days, whose)
    _, looks = replay(said, FIRST.toordinal())
    return {"looks": looks, "check_ins": int((said[0] >= 0).sum()), "peak_mb": _peak_mb()}


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def remember(connection: psycopg.Connection, days: int) -> Out:
    """Stores where everybody stands after so many days: what looking each day would have left behind."""
    ids = patient_ids(connection)
    stood, _ = replay(diaries(connection, ids, FIRST.toordinal(), days), FIRST.toordinal())
    rows = np.zeros(len(ids), STATE)
    rows["clinic_id"], rows["patient_id"], rows["version"] = np.void(_clinic(connection).bytes), ids, VERSION
    rows["standing"] = np.frombuffer(b"".join(kept for part in stood for kept in part.packed()), f"V{ROW.itemsize}")
    write(connection, "trend_state (clinic_id, patient_id, version, standing)", iter([rows]))
    connection.execute("UPDATE patient SET trend_through = %s", [FIRST + timedelta(days=days - 1)])
    connection.commit()
    return {}


def states(connection: psycopg.Connection, _days: int) -> Out:
    """What is remembered of everybody, out of PostgreSQL."""
    return {"bytes": drain(connection, STATES)}


def step(connection: psycopg.Connection, days: int) -> Out:
    """One new day, taken in as the worker does, in batches; the closer looks that it asks for are timed apart."""
    with create_app(Settings.from_env(os.environ)).app_context():
        now = datetime.combine(FIRST + timedelta(days=days), datetime.min.time(), UTC) + timedelta(hours=36)
        enter(_clinic(connection))
        clinic = db.session.scalars(select(Clinic)).one()
        ids = db.session.scalars(select(Patient.id).order_by(Patient.id)).all()
        db.session.commit()
        seconds, close, close_seconds, looked = 0.0, 0, 0.0, 0
        for at in range(0, len(ids), BATCH):
            began = time.perf_counter()
            batch = standings.look_over(clinic, ids[at : at + BATCH], now)
            standings.write_back(batch, now)
            db.session.commit()
            seconds += time.perf_counter() - began
            close += int(batch.close.sum())
            began = time.perf_counter()
            for who in np.flatnonzero(batch.close)[: CLOSE - looked].tolist():
                watch.look_closely(batch, who, now)
                looked += 1
            db.session.commit()
            close_seconds += time.perf_counter() - began
        return {"seconds": seconds, "close": close, "close_ms": 1000 * close_seconds / max(looked, 1)}


def _clinic(connection: psycopg.Connection) -> uuid.UUID:
    found = connection.execute("SELECT id FROM clinic").fetchone()
    assert found
    return uuid.UUID(str(found[0]))


def patient_ids(connection: psycopg.Connection, whose: str = "true") -> NDArray[np.void]:
    found = np.concatenate([rows["id"] for rows in read(connection, f"{PATIENTS} {whose}", IDS)])
    return np.ascontiguousarray(found)


def run(stages: Mapping[str, Stage]) -> None:
    """The stage that the command line names, after so many days of history; prints what it measured."""
    name, days = sys.argv[1], int(sys.argv[2])
    with psycopg.connect(conninfo(os.environ["MIGRATION_DATABASE_URL"])) as connection:
        began = time.perf_counter()
        out = stages[name](connection, days)
        out.setdefault("seconds", time.perf_counter() - began)
    print(json.dumps({"peak_mb": _peak_mb(), **out}))


if __name__ == "__main__":
    run({stage.__name__: stage for stage in (floor, replayed, remember, states, step)})
