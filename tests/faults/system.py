"""The system of the faults: its programs come and go, its mail server fails, its clock runs ahead."""

import signal
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg

from server.libpq import conninfo
from server.local.postgres import EmbeddedPostgres
from server.local.roles import SUPERUSER
from tests.e2e.browser import Browser
from tests.e2e.programs import Program
from tests.e2e.system import PATIENCE_SECONDS, Mailbox, System, check_log, eventually, system_on
from tests.factories import check_in_body, new_id
from tests.faults.traps import TRAP_FILE, Trap, sprung_in
from tests.mail_server import MailServer, listening

# So that what was lost on the way counts as lost (two minutes, by the programs' clock), and no lease is waited for.
LOST = timedelta(minutes=3)
NO_LEASE = "UPDATE {} SET claimed_until = now() - interval '1 second' WHERE claimed_until > now()"


@dataclass
class Faulty(System):
    """A system whose programs are killed, at a boundary or anywhere."""

    postgres: EmbeddedPostgres = field(kw_only=True)
    mail: MailServer = field(kw_only=True)
    programs: dict[str, Program] = field(default_factory=dict)

    @property
    def trap_file(self) -> Path:
        return self.offset_file.with_name("trap")

    def start(self, name: str) -> None:
        self.programs[name] = Program(name, self.base_url, self.environment, self.log)

    def up(self, *names: str) -> None:
        """These run when it returns."""
        for name in names:
            self.start(name)
        if "web" in names:
            eventually(self.answers, "the web process is ready")

    def answers(self) -> bool:
        try:
            return self.browser().answers("/readyz")
        except HTTPException:
            return False

    def kill(self, name: str) -> None:
        self.programs.pop(name).kill()

    def set(self, trap: Trap) -> None:
        trap.set_in(self.trap_file)

    def fallen(self) -> int | None:
        """The process that fell into the trap."""
        try:
            return int(sprung_in(self.trap_file).read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def connect(self) -> psycopg.Connection:
        """As soon as there is a place: whoever is being turned away takes one for a moment, too."""
        found: list[psycopg.Connection] = []

        def is_let_in() -> bool:
            try:
                found.append(psycopg.connect(conninfo(self.database_url)))
            except psycopg.OperationalError:
                return False
            return True

        eventually(is_let_in, "the database lets us in")
        return found[0]

    def query(self, statement: str, *args: Any) -> list[tuple[Any, ...]]:
        """Anew when the database ended since the last question."""
        if self._line is not None:
            try:
                self._line.execute("SELECT 1")
            except psycopg.OperationalError:
                self.close()
        return super().query(statement, *args)

    def change(self, statement: str, *args: Any) -> int:
        """How many rows it was."""
        with self.connect() as connection:
            return connection.execute(statement, args).rowcount

    def end_leases(self) -> int:
        """As if their five minutes were over: leases are by the clock of the database, which no test moves."""
        return sum(self.change(NO_LEASE.format(table)) for table in ("alert_email", "member_mail"))

    def settles(self) -> None:
        eventually(self.is_settled, "all are assessed, and all that was to be mailed is mailed")

    def is_settled(self) -> bool:
        """Nothing is due by the programs' clock, which runs on: what waits for its time is not waited for."""
        waits = """
            SELECT 1 FROM watch WHERE due_at <= %s
            UNION ALL SELECT 1 FROM alert WHERE escalate_at <= %s
            UNION ALL SELECT 1 FROM routing WHERE digest_due_at <= %s
            UNION ALL SELECT 1 FROM alert_email WHERE state = 'queued'
            UNION ALL SELECT 1 FROM member_mail WHERE state = 'queued'
        """
        return not self.query(waits, *[self.now()] * 3)


@dataclass(eq=False)
class Phone:
    """A patient's. What it was not told is stored it says again."""

    browser: Browser
    refresh_token: str
    patient_id: uuid.UUID

    def say(self, check_in_id: str, body: dict[str, Any]) -> int | None:
        """The answer's status; None when there is none."""
        try:
            status = self.browser.status("PUT", f"/v1/check-ins/{check_in_id}", body)
            if status == 401:
                self.refresh()
                status = self.browser.status("PUT", f"/v1/check-ins/{check_in_id}", body)
        except (OSError, HTTPException):
            return None
        return status

    def refresh(self) -> None:
        self.browser.token = self.refresh_token
        given = self.browser.call("POST", "/v1/tokens/refresh", expect=201)
        self.browser.token, self.refresh_token = given["access_token"], given["refresh_token"]

    def check_in(self, at: datetime, **said: Any) -> str:
        """Tries until it is told that it is stored."""
        check_in_id, body = new_id(), check_in_body(at - timedelta(seconds=5), **said)
        eventually(lambda: self.say(check_in_id, body) in (200, 201), "the phone is told that it is stored")
        return check_in_id


@contextmanager
def faulty_system(folder: Path, names: Sequence[str] = ()) -> Iterator[Faulty]:
    """`names`: the programs that run at once."""
    with ExitStack() as stack:
        mail = stack.enter_context(listening(MailServer()))
        postgres = stack.enter_context(EmbeddedPostgres(folder / "cluster"))
        plain = system_on(folder, postgres, Mailbox(), mail.port)
        environment = plain.environment | {TRAP_FILE: str(folder / "trap")}
        # The test asks as the superuser, for whom PostgreSQL keeps a place when programs hold all the others.
        system = Faulty(
            plain.base_url, plain.mailbox, plain.offset_file, postgres.url(SUPERUSER), plain.superuser_url, environment,
            postgres=postgres, mail=mail,
        )  # fmt: skip
        release = Program("release", system.base_url, environment, system.log)
        assert release.wait(PATIENCE_SECONDS) == 0
        try:
            system.up(*names)
            yield system
        finally:
            system.close()
            _end(system)
        check_log(system.log.read_text())


def _end(system: Faulty) -> None:
    for program in system.programs.values():
        program.send_signal(signal.SIGTERM)
    for program in system.programs.values():
        if program.wait(PATIENCE_SECONDS) is None:
            program.kill()
