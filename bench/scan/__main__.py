"""`python -m bench.scan`: load a caseload, time the stages in turns, print a table, write var/bench/scan.json."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from flask_migrate import upgrade

from bench.scan.load import Diaries, load, make_clinic, simulate_diaries, unguarded
from server.app import create_app
from server.extensions import db
from server.libpq import conninfo
from server.local.environment import SECRETS, clinic_environment, open_metrics
from server.local.ports import Ports
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings

ROUNDS = 3  # each of which takes in a day of its own
PEERS = ("ewma", "kalman")
BEGAN = time.monotonic()
GOALS = (("replayed", "floor", 1.5), ("step", "states", 3.0))
NAMES = {
    "floor": "reading every check-in (COPY out)",
    "replayed": "a whole replay, on all processors",
    "states": "reading the stored states (COPY out)",
    "step": "one new day, from stored states",
    "queue": "a tick that puts all of them on the queue",
    "ewma": "pandas: groupby().ewm(), the rows in memory already",
    "kalman": "statsmodels: UnobservedComponents, for all by a sample",
}


def say(doing: str) -> None:
    print(f"{time.monotonic() - BEGAN:5.0f} s  {doing}", file=sys.stderr, flush=True)


def stage(name: str, days: int, environ: Mapping[str, str]) -> dict[str, Any]:
    """One stage in a process of its own."""
    module = "bench.scan.peers" if name in PEERS else "bench.scan.stages"
    command = [sys.executable, "-m", module, name, str(days)]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    out: dict[str, Any] = json.loads(done.stdout)
    say(f"{name}: {out}")
    return out


def fill(environ: Mapping[str, str], patients: int, days: int) -> tuple[str, Diaries]:
    """A clinic with its diaries so far; returns its id and the diaries with the days to come."""
    settings = Settings.from_env(environ)
    with create_app(settings).app_context():
        upgrade()
        db.engine.dispose()
    diaries = simulate_diaries(patients, days + ROUNDS, seed=1)
    with psycopg.connect(conninfo(environ["MIGRATION_DATABASE_URL"]), autocommit=True) as owner:
        clinic = make_clinic(owner, diaries)
        owner.execute("SET maintenance_work_mem = '512MB'")
        with unguarded(owner):
            say(f"{load(owner, clinic, diaries, 0, days)} check-ins loaded")
        say("and indexed")
        owner.execute("VACUUM ANALYZE")
    return clinic, diaries


def measure(environ: Mapping[str, str], clinic: str, diaries: Diaries, days: int) -> dict[str, list[dict[str, Any]]]:
    """Every stage in turn, ROUNDS times."""
    measured = defaultdict(list)
    stage("remember", days, environ)
    with psycopg.connect(conninfo(environ["MIGRATION_DATABASE_URL"]), autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE watch, patient")
        for turn in range(ROUNDS):
            for name in ("floor", "replayed", "states"):
                measured[name].append(stage(name, days, environ))
            load(owner, clinic, diaries, days + turn, days + turn + 1)
            for name in ("queue", "step"):
                measured[name].append(stage(name, days + turn, environ))
    for name in PEERS:
        measured[name].append(stage(name, days, environ))
    return measured


def report(measured: Mapping[str, Sequence[Mapping[str, Any]]], patients: int, days: int) -> dict[str, Any]:
    """Medians, ratios and peaks; the table is printed."""
    seconds = {name: median(out["seconds"] for out in outs) for name, outs in measured.items()}
    peaks = {name: max(out["peak_mb"] for out in outs) for name, outs in measured.items()}
    print(f"\n{patients} patients x {days} days: {measured['replayed'][0]['check_ins']} check-ins; medians of {ROUNDS}")
    print(f"{'':<58}{'seconds':>9}{'ratio':>8}{'peak MB':>9}")
    for name, words in NAMES.items():
        base = "states" if name in ("states", "step", "queue") else "floor"
        print(f"{words:<58}{seconds[name]:>9.2f}{seconds[name] / seconds[base]:>8.2f}{peaks[name]:>9}")
    again = median(out["again"] for out in measured["queue"])
    print(f"The next tick, while all of them still wait, takes {again:.2f} s.")
    close = median(out["close"] for out in measured["step"])
    each, busy = (median(out[name] for out in measured["step"]) for name in ("close_ms", "close_cpu_ms"))
    print(
        f"A closer look is needed for {close:.0f} of them on such a day, and takes {each:.1f} ms each, "
        f"{busy:.1f} of them the worker's own."
    )
    ratios = {name: seconds[name] / seconds[base] for name, base, _ in GOALS}
    for name, base, goal in GOALS:
        verdict = "met" if ratios[name] <= goal else "not met"
        print(f"goal: {NAMES[name]} <= {goal:g}x {NAMES[base]}: {ratios[name]:.2f}x, {verdict}")
    return {
        "patients": patients,
        "days": days,
        "seconds": seconds,
        "peak_mb": peaks,
        "ratios": ratios,
        "again": again,
        "close": close,
        "close_ms": each,
        "close_cpu_ms": busy,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scan", description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=84, help="of history before the new day")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="interlude-scan-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL may run as another user  # noqa: S103
        with EmbeddedPostgres(Path(folder) / "cluster") as postgres:
            made = {name: make() for name, make in SECRETS.items()}
            urls = postgres.url("interlude_app"), postgres.url("interlude_owner")
            environ = clinic_environment(Ports.from_env({}), made, *urls, open_metrics(Path(folder) / "metrics"))
            clinic, diaries = fill(environ, chosen.patients, chosen.days)
            measured = measure(environ, clinic, diaries, chosen.days)
    figures = report(measured, chosen.patients, chosen.days)
    (chosen.out / "scan.json").write_text(json.dumps({**figures, "stages": measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
