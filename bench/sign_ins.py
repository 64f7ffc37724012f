"""How long a sign-in that fails takes for a known account and for an unknown one, and what a flood of them costs.

`make bench-sign-ins` prints both. The kinds of account take turns, in one process, so that the machine is alike to all;
the second unknown account shows how far two that are truly alike lie apart. Then 10,000 sign-ins from one address, each
with another X-Forwarded-For, at four instances of the application with nothing in common but the database.
"""

import random
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from flask import Flask
from flask_migrate import upgrade

from server.app import create_app
from server.clock import utcnow
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings
from tests.factories import make_actors, settings_for

ROUNDS, FLOOD, INSTANCES, THREADS = 100, 10_000, 4, 8
ACCOUNTS = {
    "unknown": "nobody@clinic.example",
    "unknown too": "someone@clinic.example",
    "known": "bob@clinic.example",
    "known, disabled": "alice@clinic.example",
}
WRONG = "wrong horse battery"


class Later:
    """Each sign-in in a quarter of an hour of its own, so that none is refused."""

    def __init__(self) -> None:
        self.at = utcnow()

    def __call__(self) -> datetime:
        return self.at


def timed(app: Flask, clock: Later) -> dict[str, list[float]]:
    """Milliseconds of each kind, by round."""
    client = app.test_client()
    taken: dict[str, list[float]] = {name: [] for name in ACCOUNTS}
    for _ in range(ROUNDS):
        for name in random.sample(list(ACCOUNTS), len(ACCOUNTS)):
            clock.at += timedelta(minutes=15)
            began = time.perf_counter()
            answer = client.post("/v1/tokens", json={"email": ACCOUNTS[name], "password": WRONG})
            taken[name].append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 401, answer.status_code
    return taken


def flooded(settings: Settings) -> tuple[Counter[int], float]:
    """How often which status was answered, and in how many seconds."""
    # One quarter of an hour, however long it takes.
    at = utcnow()
    apps = [create_app(settings, now=lambda: at) for _ in range(INSTANCES)]

    def sign_in(turn: int) -> int:
        hop = {"X-Forwarded-For": f"198.51.{turn // 250}.{turn % 250}"}
        said = {"email": f"somebody{turn}@clinic.example", "password": WRONG}
        return apps[turn % INSTANCES].test_client().post("/v1/tokens", json=said, headers=hop).status_code

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        statuses = Counter(pool.map(sign_in, range(FLOOD)))
    seconds = time.perf_counter() - began
    for app in apps:
        with app.app_context():
            db.engine.dispose()
    return statuses, seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "cluster") as postgres:
        settings = settings_for(postgres.url("interlude_app"), postgres.url("interlude_owner"))
        clock = Later()
        app = create_app(settings, now=clock)
        with app.app_context():
            upgrade()
            make_actors(utcnow()).alice_admin.active = False
            db.session.commit()
        taken = timed(app, clock)
        with app.app_context():
            db.engine.dispose()
        statuses, seconds = flooded(settings)
    print(f"{'a sign-in that fails':<24}{'median, ms':>12}{'to unknown':>12}")
    for name, of_kind in taken.items():
        print(f"{name:<24}{median(of_kind):>12.1f}{median(of_kind) / median(taken['unknown']):>12.3f}")
    print(f"\n{FLOOD} sign-ins in {seconds:.0f} s: {statuses[401]} looked at, {statuses[429]} refused")


if __name__ == "__main__":
    main()
