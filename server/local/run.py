"""The supervisor behind `make run`: starts a whole clinic, keeps it running, and ends it in order."""

import http.client
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from server.local import commands
from server.local.children import Child, Children, ending, run_step
from server.local.clinic import LOCK, Clinic, open_clinic
from server.local.commands import Commands
from server.local.environment import open_var
from server.local.errors import LocalError
from server.local.files import Lock, write_private
from server.local.ports import HOST, Ports
from server.local.postgres import EmbeddedPostgres
from server.local.terminal import Stopped, StopSignals, say
from server.local.welcome import Account, welcome

READY_SECONDS = 90.0
MAIL_SECONDS = 10.0
MOST_FAILURES = 3  # of one program before the clinic was ever ready


def run(
    var: Path,
    environ: Mapping[str, str],
    commands_for: Callable[[Ports, Path], Commands] = commands.clinic,
) -> int:
    """Run until a signal comes. Raises LocalError for what a developer has to put right."""
    ports = Ports.from_env(environ)
    os.umask(0o077)
    open_var(var)
    table = commands_for(ports, var / "demo.json.part")
    with Lock(var / LOCK, "make run"), StopSignals() as stop:
        ports.check_free()
        (var / "demo.json").unlink(missing_ok=True)
        say("Starting the database.")
        try:
            with open_clinic(var, environ, ports, table.migrate, stop) as clinic:
                Supervisor(var, ports, table, clinic, stop).serve()
        except Stopped:
            say("Stopped. Everything is kept in var/ for the next start.")
        return 0


class Supervisor:
    """The programs beside the database."""

    def __init__(self, var: Path, ports: Ports, table: Commands, clinic: Clinic, stop: StopSignals) -> None:
        self.var = var
        self.ports = ports
        self.table = table
        self.clinic = clinic
        self.stop = stop
        self.children = Children()

    def serve(self) -> None:
        """Leaves only by an exception, Stopped among them, and never leaves a program behind."""
        try:
            self._start("mailbox", self.table.mailbox)
            # They load while the demo is made; it appears to them in one transaction.
            for name, argv in self.table.services.items():
                self._start(name, argv)
            accounts = self._demo()
            self._wait_until_ready()
            self._wait_for_mail()
            self._announce(accounts)
            while True:
                self._watch(0.2)
        finally:
            self.children.stop(self.table.services)
            # Last of them: a worker that finishes its job may still have a mail to hand over.
            self.children.stop(["mailbox"])
            self.children.close()
            (self.var / "demo.json").unlink(missing_ok=True)

    def _start(self, name: str, argv: commands.Argv) -> None:
        self.children.add(Child(name, argv, self.clinic.environ))

    def _watch(self, seconds: float) -> None:
        self.stop.check()
        self.children.watch(seconds)
        self._keep_database(self.clinic.postgres)
        self.stop.check()

    def _keep_database(self, postgres: EmbeddedPostgres | None) -> None:
        code = postgres.poll() if postgres is not None else None
        if postgres is not None and code is not None:
            say(f"PostgreSQL {ending(code)}; starting it again.")
            self.stop.sleep(0.5)
            postgres.start()

    def _demo(self) -> list[Account]:
        part = self.var / "demo.json.part"
        part.unlink(missing_ok=True)
        code = run_step(self.table.demo, self.clinic.environ, None, self._watch)
        if code != 0:
            raise LocalError(f"The demo {ending(code)}.")
        accounts: list[Account] = json.loads(part.read_text())
        part.unlink()
        return accounts

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while _readiness(self.ports.web) is None:
            for name, failures in self.children.failures().items():
                if failures >= MOST_FAILURES:
                    raise LocalError(f"{name} does not start: see what it printed above.")
            if time.monotonic() > deadline:
                raise LocalError(f"{self.ports.base_url}/readyz does not answer 200.")
            self._watch(0.1)

    def _wait_for_mail(self) -> None:
        """Until the demo's mails have been handed over, or it takes too long to wait for."""
        deadline = time.monotonic() + MAIL_SECONDS
        while (_readiness(self.ports.web) or {}).get("emails_waiting") and time.monotonic() < deadline:
            self._watch(0.1)

    def _announce(self, accounts: list[Account]) -> None:
        demo: dict[str, Any] = {"base_url": self.ports.base_url, "mailbox_url": self.ports.mailbox_url}
        # Last of all files: who finds it finds everything running.
        write_private(self.var / "demo.json", json.dumps({**demo, "accounts": accounts}, indent=2) + "\n")
        say(welcome(self.ports, accounts))


def _readiness(port: int) -> dict[str, Any] | None:
    """What /readyz says, once it says 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return dict(json.loads(said)) if answer.status == http.client.OK else None
