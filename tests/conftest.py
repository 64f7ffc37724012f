"""A real PostgreSQL built by the migrations, an injected clock, and the actors: Ada, Bob, Carol."""

import gc
from collections.abc import Iterator
from contextvars import Context
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest
from argon2 import PasswordHasher
from click.testing import Result
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flask_migrate import upgrade
from werkzeug.test import TestResponse
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from server.app import create_app
from server.extensions import Parts, db
from server.local import roles
from server.local.postgres import EmbeddedPostgres
from server.services import passwords
from server.settings import Settings
from tests.catalog import MIGRATED, scratch_database
from tests.database import owner
from tests.factories import Actors, make_actors, settings_for
from tests.log_net import cast_net
from tests.worlds import Worlds

NET = cast_net()
# The machines are noisy: an example that takes longer than another is no fault.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
MONDAY = datetime(2026, 5, 4, 20, 0, tzinfo=UTC)
# What starts programs and waits for them. One worker does it all: while it waits, the others have the processors, and
# what it made warm is made once.
PROGRAMS = (
    "tests/faults",
    "tests/e2e",
    "tests/local/test_run.py",
    "tests/attacks/test_s10_faults.py",
    "tests/attacks/test_s13_lost_key.py",
)
# The longest: begun last, they would leave the other workers with nothing to do.
FIRST = ("tests/services/test_looks_together.py", "tests/attacks")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="every combination, where the suite takes some of them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (not item.nodeid.startswith(PROGRAMS), not item.nodeid.startswith(FIRST)))


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file is one worker's, and so is all that starts programs."""

    def _split_scope(self, nodeid: str) -> str:
        return "programs" if nodeid.startswith(PROGRAMS) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """What was collected stays to the end: the garbage collector need not look at it, nor at all the rest so often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
    gc.enable()


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


class Clock:
    """The time is what the test says."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **lapse: float) -> None:
        self.at += timedelta(**lapse)


class Client(FlaskClient):
    """Each request in a context of its own, as in life: neither `g` nor a database session outlives it.

    All carry one request id, so that answers which must be alike can be compared to the byte.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environ_base["HTTP_X_REQUEST_ID"] = "the-suite"

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return Context().run(super().open, *args, **kwargs)


class Runner(FlaskCliRunner):
    """Each command in a context of its own, as in life."""

    def invoke(self, *args: Any, **kwargs: Any) -> Result:
        return Context().run(self._invoke, *args, **kwargs)

    def _invoke(self, *args: Any, **kwargs: Any) -> Result:
        with self.app.app_context():
            return super().invoke(*args, **kwargs)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(folder / "cluster", durable=False) as postgres:
        yield postgres


@pytest.fixture(scope="session")
def settings(postgres: EmbeddedPostgres) -> Iterator[Settings]:
    settings = settings_for(postgres.url(roles.APP), postgres.url(roles.OWNER))
    app = create_app(settings)
    with app.app_context():
        upgrade()
        db.engine.dispose()
    with scratch_database(postgres, MIGRATED, of=roles.DATABASE):
        yield settings


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedPostgres, settings: Settings) -> EmbeddedPostgres:
    """Where a database in which the migrations have run waits to be copied."""
    return postgres


@pytest.fixture(scope="session")
def worlds(postgres: EmbeddedPostgres, settings: Settings) -> Iterator[Worlds]:
    worlds = Worlds(postgres.url(roles.SUPERUSER))
    yield worlds
    worlds.close()


@pytest.fixture(scope="session", autouse=True)
def argon2_costs_little() -> Iterator[None]:
    """It is slow on purpose; here it runs with its least cost (test_passwords holds it to what production pays)."""
    with patch.object(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        yield


@pytest.fixture(scope="session", autouse=True)
def a_key_is_checked_once() -> Iterator[None]:
    """Whether an RSA key's numbers are primes is long to say, and the same for the same bytes."""
    known = cache(load_pem_private_key)
    with patch("server.senders.load_pem_private_key", known), patch("jwt.algorithms.load_pem_private_key", known):
        yield


@pytest.fixture(autouse=True)
def nothing_leaks_into_the_log() -> Iterator[None]:
    """Whatever a test does: no name, note, password or token of its making is in a line of any logger."""
    yield
    assert NET.haul() == []


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY)


@pytest.fixture
def outbox() -> list[EmailMessage]:
    return []


@pytest.fixture(scope="session")
def assembled(settings: Settings) -> Iterator[Flask]:
    """Assembled once: what SQLAlchemy compiled for one test serves the next."""
    app = create_app(settings)
    app.testing = True
    app.test_client_class = Client
    app.test_cli_runner_class = Runner
    yield app
    with app.app_context():
        owner().dispose()
        db.engine.dispose()


@pytest.fixture
def app(
    assembled: Flask, settings: Settings, clock: Clock, outbox: list[EmailMessage], worlds: Worlds
) -> Iterator[Flask]:
    assembled.extensions["interlude"] = Parts(settings, clock, outbox.append)
    with assembled.app_context():
        yield assembled
        try:
            db.session.remove()
        finally:
            worlds.empty()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def actors(app: Flask, clock: Clock, worlds: Worlds) -> Actors:
    return worlds.begin(make_actors, at=clock())
