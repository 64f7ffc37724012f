"""The system as in the Procfile: separate processes on a real PostgreSQL, with a real SMTP server to mail to."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from server.clock import utcnow
from server.libpq import conninfo
from server.local import roles
from server.local.environment import open_metrics
from server.local.postgres import EmbeddedPostgres
from tests.catalog import MIGRATED, scratch_database
from tests.e2e.browser import Browser
from tests.e2e.programs import Program
from tests.e2e.shifted import OFFSET_FILE
from tests.factories import environment_for
from tests.log_net import marks_in

PATIENCE_SECONDS = 60.0
METRICS_TOKEN = "for-the-metrics-of-the-tests-alone-not-a-secret"


class Mailbox:
    """Keeps every message that it answered with a 250."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(message, EmailMessage)
        if self.answer.startswith("250"):
            self.messages.append(message)
        return self.answer


class Running(Protocol):
    """One program: what Popen has, and Program."""

    def poll(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...

    def wait(self, timeout: float) -> int | None: ...


@dataclass
class System:
    """What a test holds: the address, the mailbox, the clock, the database, and the processes by name."""

    base_url: str
    mailbox: Mailbox
    offset_file: Path
    database_url: str
    """As the owner, who sees every clinic's rows."""
    superuser_url: str
    environment: dict[str, str]
    from_nothing: bool = False
    """Programs are started by the Procfile's commands, not forked off one that has imported everything."""
    web_processes: int = 1
    """Of those that are forked; the Procfile has two."""
    processes: dict[str, Running] = field(default_factory=dict)
    _line: psycopg.Connection | None = field(default=None, init=False)

    def browser(self) -> Browser:
        return Browser(self.base_url)

    def now(self) -> datetime:
        return utcnow() + timedelta(seconds=float(self.offset_file.read_text(encoding="ascii")))

    def shift(self, **lapse: float) -> None:
        """Moves every process's clock on."""
        offset = float(self.offset_file.read_text(encoding="ascii")) + timedelta(**lapse).total_seconds()
        written = self.offset_file.with_suffix(".new")
        written.write_text(str(offset), encoding="ascii")
        written.replace(self.offset_file)

    def query(self, statement: str, *args: Any) -> list[tuple[Any, ...]]:
        """On one connection, which is kept: who waits asks often, and a sign-in costs both sides more than that."""
        if self._line is None:
            self._line = self.connect()
            self._line.autocommit = True
        return self._line.execute(statement, args).fetchall()

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(conninfo(self.database_url))

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def command(self, *words: str) -> None:
        log = self.offset_file.with_name("commands.log")
        command = Program("flask", self.base_url, self.environment, log, *words)
        assert command.wait(PATIENCE_SECONDS) == 0, log.read_text()

    @property
    def log(self) -> Path:
        return self.offset_file.with_name("programs.log")

    def start(self, name: str) -> None:
        if not self.from_nothing:
            words = [str(self.web_processes)] if name == "web" else []
            self.processes[name] = Program(name, self.base_url, self.environment, self.log, *words)
            return
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                _command(name, self.base_url), env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def nothing_is_due(self) -> bool:
        """All are assessed and all mail has gone, as of the shifted clock."""
        due = "SELECT 1 FROM watch WHERE due_at <= %s UNION ALL SELECT 1 FROM alert_email WHERE state = 'queued'"
        return not self.query(due, self.now())


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Other processes take their time; this gives them some, and then says what did not come true."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.05)


@contextmanager
def _database(folder: Path, migrated: EmbeddedPostgres | None) -> Iterator[tuple[EmbeddedPostgres, str]]:
    if migrated is None:
        with EmbeddedPostgres(folder / "cluster") as postgres:
            yield postgres, roles.DATABASE
    else:
        with scratch_database(migrated, folder.name, of=MIGRATED):
            yield migrated, folder.name


@contextmanager
def running_system(
    folder: Path,
    names: Sequence[str] = ("web", "worker", "scheduler"),
    smtp_port: int | None = None,
    migrated: EmbeddedPostgres | None = None,
    *,
    from_nothing: bool = False,
    web_processes: int = 1,
) -> Iterator[System]:
    """On a PostgreSQL of its own, where it migrates first; or on a copy of what is migrated, which is quicker.

    `smtp_port`: of a mail server of the test's own, in place of the mailbox.
    `from_nothing`: by the Procfile's commands, with two web processes; forked programs start much sooner.
    """
    mailbox = Mailbox()
    smtp = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    smtp.start()
    try:
        with _database(folder, migrated) as (postgres, database):
            system = replace(
                system_on(folder, postgres, mailbox, smtp_port or smtp.port, database),
                from_nothing=from_nothing,
                web_processes=web_processes,
            )
            if migrated is None:
                subprocess.run(_command("release", system.base_url), env=system.environment, check=True)
            try:
                for name in names:
                    system.start(name)
                if "web" in names:
                    eventually(lambda: system.browser().answers("/readyz"), "the web process is ready")
                yield system
            finally:
                system.close()
                end(system.processes.values())
                check_log(system.log.read_text())
    finally:
        smtp.stop()


def system_on(
    folder: Path, postgres: EmbeddedPostgres, mailbox: Mailbox, smtp_port: int, database: str = roles.DATABASE
) -> System:
    offset_file = folder / "offset"
    offset_file.write_text("0", encoding="ascii")
    base_url = f"http://127.0.0.1:{free_port()}"
    environment = os.environ | environment_for(
        postgres.url(roles.APP, database),
        postgres.url(roles.OWNER, database),
        BASE_URL=base_url,
        SMTP_PORT=str(smtp_port),
        TICK_SECONDS="1",
        METRICS_TOKEN=METRICS_TOKEN,
        PROMETHEUS_MULTIPROC_DIR=str(open_metrics(folder / "metrics")),
        **{OFFSET_FILE: str(offset_file)},
    )
    urls = postgres.url(roles.OWNER, database), postgres.url(roles.SUPERUSER, roles.SUPERUSER)
    return System(base_url, mailbox, offset_file, *urls, environment)


def _command(name: str, base_url: str) -> list[str]:
    if name == "web":
        port = base_url.rpartition(":")[2]
        web = [
            "--interface",
            "wsgi",
            "--factory",
            "--host",
            "127.0.0.1",
            "--port",
            port,
            "--no-ws",
            "--respawn-failed-workers",
            "--log-config",
            "server/granian.json",
        ]
        threads = ["--workers", "2", "--blocking-threads", "4"]
        return [sys.executable, "-m", "granian", *web, *threads, "tests.e2e.shifted:create_app"]
    if name == "release":
        return [sys.executable, "-m", "flask", "--app", "server.app", "db", "upgrade"]
    return [sys.executable, "-m", "tests.e2e.shifted", name.split(maxsplit=1)[0]]


def check_log(text: str) -> None:
    """Each line is one JSON object, and none says too much."""
    print(text)  # shown when the test fails
    for line in text.splitlines():
        assert {"time", "level", "logger", "event"} <= json.loads(line).keys(), line
        assert marks_in(line) == [], line


def end(processes: Iterable[Running]) -> None:
    running = list(processes)
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        assert process.wait(30) is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
