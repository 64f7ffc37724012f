"""`python -m bench.api`: every system in turn under the same load; prints tables, writes var/bench/api.json."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import numpy as np
import psycopg
from flask_migrate import upgrade

from bench.api import limit, people, systems, usage
from bench.api.load import Outcome, drive
from bench.api.phones import ITEMS, OPERATIONS, phones
from server.app import create_app
from server.clock import utcnow
from server.extensions import db
from server.libpq import conninfo
from server.local.environment import SECRETS, clinic_environment, open_metrics
from server.local.ports import Ports
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings

CONNECTIONS = 16
WARM_UP = 1.0  # seconds
LEAST = {"put": 10_000, "today": 400, "sync": 800}  # requests of one round, more than any system can take
PEERS: Mapping[str, tuple[Callable[..., systems.System], str]] = {
    "flask": (systems.gunicorn, "bench.peers.flask_peer"),
    "django": (systems.gunicorn, "bench.peers.django_peer"),
    "fastapi": (systems.uvicorn, "bench.peers.fastapi_peer"),
}
NAMES = {
    "pgbench": "pgbench, the same INSERT (the limit)",
    "interlude": "Interlude, as in the Procfile",
    "fastapi": "FastAPI + SQLAlchemy",
    "django": "Django REST framework",
    "flask": "Flask + ORM + marshmallow + JWT, obvious",
}
WHAT = {"put": "one check-in, durable", "today": "GET today", "sync": f"{ITEMS} check-ins in one request"}
# CPU of ours against theirs, by operation.
GOALS = (("put", "flask", 1 / 3), ("put", "fastapi", 0.6), ("sync", "flask", 0.6))
BEGAN = time.monotonic()
Figures: TypeAlias = dict[str, float]


def say(doing: str) -> None:
    print(f"{time.monotonic() - BEGAN:5.0f} s  {doing}", file=sys.stderr, flush=True)


def figures(outcome: Outcome, cpu: float, rss_mb: float, rows: int) -> Figures:
    """Of one operation of one system in one round."""
    asked = len(outcome.taken)
    if set(outcome.statuses) - {200, 201}:
        raise SystemExit(f"not every answer was good: {dict(outcome.statuses)}")
    taken = np.array(outcome.taken) * 1000
    return {
        "rps": asked / outcome.seconds,
        "rows_per_s": rows * asked / outcome.seconds,
        "p50_ms": float(np.percentile(taken, 50)),
        "p99_ms": float(np.percentile(taken, 99)),
        "cpu_ms": 1000 * cpu / asked,
        "rss_mb": rss_mb,
    }


class Bench:
    """The database, the people in it, and who takes turns."""

    def __init__(self, folder: Path, patients: int, seconds: float) -> None:
        self.folder, self.patients, self.seconds = folder, patients, seconds
        self.stack = ExitStack()
        self.measured: dict[tuple[str, str], list[Figures]] = defaultdict(list)

    def __enter__(self) -> "Bench":
        os.chmod(self.folder, 0o755)  # PostgreSQL may run as another user  # noqa: S103
        postgres = self.stack.enter_context(EmbeddedPostgres(self.folder / "cluster"))
        self.postmaster = int((self.folder / "cluster" / "postmaster.pid").read_text().split()[0])
        self.owner_url = postgres.url("interlude_owner")
        made = {name: make() for name, make in SECRETS.items()}
        metrics = open_metrics(self.folder / "metrics")
        environ = clinic_environment(Ports.from_env({}), made, postgres.url("interlude_app"), self.owner_url, metrics)
        # Every guard is on; the allowance of one account is not what is measured, nor what the night's jobs take.
        environ |= {"RATE_LIMIT_PER_MINUTE": "1000000", "TICK_SECONDS": "3600", "LOG_FORMAT": "json"}
        app = create_app(Settings.from_env(environ))
        with app.app_context():
            upgrade()
            db.engine.dispose()
        self.systems = [systems.interlude(environ, people.ours(app, self.patients))]
        say(f"{self.patients} patients of ours")
        with psycopg.connect(conninfo(self.owner_url), autocommit=True) as owner:
            self.numbered = limit.prepare(owner)
            for name, (make, module) in PEERS.items():
                secret = systems.new_secret()
                tokens = people.theirs(owner, name, self.patients, secret)
                url = f"{self.owner_url}&options=-csearch_path%3D{name}"
                told = {"PEER_DATABASE_URL": url, "PEER_SECRET": secret}
                self.systems.append(make(name, module, told, tokens))
            owner.execute("VACUUM ANALYZE")
        say("the peers' patients")
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def round(self, turn: int, rounds: int) -> None:
        """Every system once, each operation in turn; each starts afresh, and its patients are others each time."""
        for rows, operation in ((1, "put"), (ITEMS, "sync")):
            before = usage.cpu_seconds(self.postmaster)
            outcome = limit.pgbench(self.owner_url, self.numbered, rows, CONNECTIONS, self.seconds)
            spent = usage.cpu_seconds(self.postmaster) - before
            self.measured["pgbench", operation].append(figures(outcome, spent, 0.0, rows))
        for system in self.systems:
            tokens = system.tokens[turn::rounds]
            with systems.running(system, self.folder / f"{system.name}.log") as web:
                for operation in OPERATIONS:
                    self.measured[system.name, operation].append(self._measure(system, web, operation, tokens))
            say(f"round {turn + 1}: {system.name}")

    def _measure(self, system: systems.System, web: int, operation: str, tokens: Sequence[str]) -> Figures:
        at = utcnow()
        ready = phones(operation, tokens[: LEAST[operation]], at, CONNECTIONS)
        drive(system.port, ready, WARM_UP)
        before = usage.cpu_seconds(self.postmaster) + usage.cpu_seconds(web)
        outcome = drive(system.port, ready, self.seconds)
        spent = usage.cpu_seconds(self.postmaster) + usage.cpu_seconds(web) - before
        return figures(outcome, spent, usage.resident_mb(web), ITEMS if operation == "sync" else 1)


def medians(measured: Mapping[tuple[str, str], Sequence[Figures]]) -> dict[str, dict[str, Figures]]:
    """Of the rounds, by system and operation."""
    found: dict[str, dict[str, Figures]] = defaultdict(dict)
    for (system, operation), rounds in measured.items():
        found[system][operation] = {name: median(one[name] for one in rounds) for name in rounds[0]}
    return dict(found)


def report(found: Mapping[str, Mapping[str, Figures]]) -> dict[str, float]:
    """Prints a table for each operation and what became of the goals; returns the ratios."""
    for operation in OPERATIONS:
        print(f"\n{WHAT[operation]:<44}{'req/s':>9}{'rows/s':>9}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8}{'MB':>6}")
        for system, words in NAMES.items():
            if operation in found[system]:
                one = found[system][operation]
                print(
                    f"{words:<44}{one['rps']:>9.0f}{one['rows_per_s']:>9.0f}{one['p50_ms']:>8.1f}"
                    f"{one['p99_ms']:>8.1f}{one['cpu_ms']:>8.2f}{one['rss_mb']:>6.0f}"
                )
    ratios = {}
    for operation, peer, goal in GOALS:
        ratio = found["interlude"][operation]["cpu_ms"] / found[peer][operation]["cpu_ms"]
        ratios[f"{operation}/{peer}"] = ratio
        verdict = "met" if ratio <= goal else "not met"
        print(f"goal: CPU of {WHAT[operation]} <= {goal:.2f}x {NAMES[peer]}: {ratio:.2f}x, {verdict}")
    return ratios


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each operation in each round")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    patients = chosen.rounds * max(LEAST.values())
    with (
        tempfile.TemporaryDirectory(prefix="interlude-api-") as folder,
        Bench(Path(folder), patients, chosen.seconds) as bench,
    ):
        for turn in range(chosen.rounds):
            bench.round(turn, chosen.rounds)
    found = medians(bench.measured)
    written: dict[str, Any] = {"ratios": report(found), "systems": found}
    (chosen.out / "api.json").write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
