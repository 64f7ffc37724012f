"""The stages, each in a process of its own, so that each has its own peak of memory: `python -m bench.scan.stages`."""

import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import psycopg
from sqlalchemy import delete, table

from bench.scan.columns import drain, record, write
from bench.scan.load import DAY_OF_MICROSECONDS, EPOCH, FIRST
from bench.scan.replay import UNRATED, diaries, replay
from server.app import create_app
from server.extensions import db
from server.jobs.assessing import BATCH, TOGETHER, enqueue_due
from server.libpq import conninfo
from server.models import Clinic
from server.scope import enter
from server.services import watch
from server.services.listed import Ids
from server.settings import Settings
from server.trends.standing import ROW, VERSION

FLOOR = "SELECT patient_id, day, craving, mood FROM check_in WHERE counts AND day <"
STATES = "SELECT patient_id, version, standing FROM watch"
STATE = record(
    ("clinic_id", "V16"),
    ("patient_id", "V16"),
    ("due_at", ">i8"),
    ("through", ">i4"),
    ("version", ">i2"),
    ("standing", f"V{ROW.itemsize}"),
)
SAMPLE = 400  # patients whose closer looks are timed
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
        _, said = diaries(connection, FIRST, days, whose)
    _, looks = replay(said, FIRST.toordinal())
    return {"looks": looks, "check_ins": int((said != UNRATED).any(axis=0).sum()), "peak_mb": _peak_mb()}


def _peak_mb() -> int:
    """Not getrusage's: that has in it what the process was forked from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def remember(connection: psycopg.Connection, days: int) -> Out:
    """Stores where everybody stands after so many days: what looking each day would have left behind."""
    ids, said = diaries(connection, FIRST, days)
    stood, _ = replay(said, FIRST.toordinal())
    rows = np.zeros(len(ids), STATE)
    rows["clinic_id"], rows["patient_id"], rows["version"] = np.void(_clinic(connection).bytes), ids, VERSION
    rows["standing"] = np.frombuffer(b"".join(part.packed() for part in stood), f"V{ROW.itemsize}")
    rows["through"] = (FIRST - EPOCH).days + days - 1
    rows["due_at"] = rows["through"].astype(np.int64) * DAY_OF_MICROSECONDS
    write(connection, "watch (clinic_id, patient_id, due_at, through, version, standing)", iter([rows]))
    connection.commit()
    _tell(connection, days)
    return {}


def _tell(connection: psycopg.Connection, days: int) -> None:
    """The sample is looked at closely: what there was to tell by then is told, as it would have been day by day."""
    sample = _everybody(connection)[:SAMPLE]
    connection.execute("UPDATE watch SET through = NULL WHERE patient_id = ANY (%s)", [sample])
    connection.commit()
    with get_context("fork").Pool(1, _start_worker, (_clinic(connection), get_context("fork").Barrier(1))) as workers:
        workers.apply(_look_closely, (sample, _over(days - 1)))


def states(connection: psycopg.Connection, _days: int) -> Out:
    """What is remembered of everybody, out of PostgreSQL."""
    return {"bytes": drain(connection, STATES)}


def queue(_: psycopg.Connection, days: int) -> Out:
    """A tick that finds everybody due, and the same some minutes later, while all still wait."""
    create_app(Settings.from_env(os.environ)).app_context().push()
    began, seconds = time.perf_counter(), list[float]()
    for minutes in (0, 5):
        enqueue_due(_over(days) + timedelta(minutes=minutes))
        db.session.commit()
        seconds.append(time.perf_counter() - began - sum(seconds))
    db.session.execute(delete(table("procrastinate_jobs")))
    db.session.commit()
    return {"seconds": seconds[0], "again": seconds[1]}


def step(connection: psycopg.Connection, days: int) -> Out:
    """One new day, taken in as the workers do, one for each processor; the closer looks of a sample are timed apart."""
    everybody, parts = _everybody(connection), os.cpu_count() or 1
    named = [str(one) for one in everybody]
    batches = [named[at : at + BATCH] for at in range(0, len(named), BATCH)]
    ready = get_context("fork").Barrier(parts + 1)
    with get_context("fork").Pool(parts, _start_worker, (_clinic(connection), ready)) as workers:
        ready.wait()
        began = time.perf_counter()
        left = list(workers.imap_unordered(partial(_pass_over, _over(days)), batches))
        seconds = time.perf_counter() - began
        others = [one for ids in left for one in ids]
        close = sorted(set(everybody[:SAMPLE]) & set(others))
        taken, busy = workers.apply(_look_closely, (close, _over(days)))
    each = 1000 / len(close)
    return {"seconds": seconds, "close": len(others), "close_ms": taken * each, "close_cpu_ms": busy * each}


def _everybody(connection: psycopg.Connection) -> list[uuid.UUID]:
    return [one for (one,) in connection.execute("SELECT id FROM patient ORDER BY id")]


def _over(day: int) -> datetime:
    """An instant at which the day is over."""
    return datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC) + timedelta(hours=36)


def _start_worker(clinic: uuid.UUID, ready: Barrier) -> None:
    """The app, assembled before anything is timed; it lasts as long as this process."""
    create_app(Settings.from_env(os.environ)).app_context().push()
    enter(clinic)
    db.session.get_one(Clinic, clinic)
    db.session.commit()
    ready.wait()


def _pass_over(now: datetime, named: list[str]) -> Ids:
    """As a job comes: their names in it."""
    _, others = watch.pass_over(Ids.named(named), now)
    db.session.commit()
    return others


def _look_closely(ids: list[uuid.UUID], now: datetime) -> tuple[float, float]:
    """Seconds by the clock, and of this process."""
    began, busy = time.perf_counter(), time.process_time()
    for at in range(0, len(ids), TOGETHER):
        watch.assess(ids[at : at + TOGETHER], now)
        db.session.commit()
    return time.perf_counter() - began, time.process_time() - busy


def _clinic(connection: psycopg.Connection) -> uuid.UUID:
    found = connection.execute("SELECT id FROM clinic").fetchone()
    assert found
    return uuid.UUID(str(found[0]))


def run(stages: Mapping[str, Stage]) -> None:
    """The stage that the command line names, after so many days of history; prints what it measured."""
    name, days = sys.argv[1], int(sys.argv[2])
    with psycopg.connect(conninfo(os.environ["MIGRATION_DATABASE_URL"])) as connection:
        began = time.perf_counter()
        out = stages[name](connection, days)
        out.setdefault("seconds", time.perf_counter() - began)
    print(json.dumps({"peak_mb": _peak_mb(), **out}))


if __name__ == "__main__":
    run({stage.__name__: stage for stage in (floor, replayed, remember, states, queue, step)})
