"""A real PostgreSQL of our own: no TCP port, one private socket folder, gone when we are gone."""

import json
import os
import secrets
import shutil
import signal
import subprocess  # nosec B404  # starting programs is its work
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from server.local import cluster, install, roles
from server.local.account import Account, account_for
from server.local.errors import LocalError
from server.local.files import Lock, write_private
from server.local.lifeline import die_with_parent

START_SECONDS = 120.0  # after a crash it first replays what was not yet in place
STOP_SECONDS = 60.0
RUNTIME_PREFIX = "interlude-"
LONGEST_TMP = 60  # a socket's path ends at 107 bytes

SETTINGS = {
    "listen_addresses": "",
    "port": str(roles.PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_wal_size": "256MB",
    "password_encryption": "scram-sha-256",  # nosec B105  # no secret
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Neither a statement nor a row's values belong in a log.
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
# For tests: what a power cut takes with it may go, and nobody is there who would guess at a password's verifier.
FORGETFUL = {
    "scram_iterations": "1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


class EmbeddedPostgres:
    """The cluster in `folder`, made on first use, run as our child. Start it from the main thread."""

    def __init__(self, folder: Path, *, durable: bool = True, binaries: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.durable = durable
        self._install = binaries or install.bundled()
        self._lock = Lock(self._beside("lock"), "PostgreSQL")
        self._log = self.folder.parent / "log" / f"{self.folder.name}.log"
        self._runtime: Path | None = None
        self._passwords: dict[str, str] = {}
        self._child: subprocess.Popen[bytes] | None = None

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}.{suffix}")

    def start(self) -> None:
        """Return when it accepts connections, with roles and database in place.

        After a crash, call it again: the URLs stay what they were until stop().
        """
        if self._child is not None and self._child.poll() is None:
            return
        first = self._runtime is None
        try:
            account = self._prepare()
            self._launch(account)
            roles.establish(self._sockets, self._passwords)
        except BaseException:
            self._end_child()
            if first:
                self.stop()
            raise

    def stop(self) -> None:
        """Fast and clean: open transactions are rolled back, everything committed is on disk."""
        self._end_child()
        if self._runtime is not None:
            shutil.rmtree(self._runtime, ignore_errors=True)
            self._runtime = None
        self._lock.release()

    def poll(self) -> int | None:
        """The exit code, once it ended."""
        return self._child.poll() if self._child is not None else None

    def url(self, role: str, database: str = roles.DATABASE) -> str:
        password, sockets = quote(self._passwords[role], safe=""), quote(str(self._sockets), safe="")
        return f"postgresql+psycopg://{role}:{password}@/{database}?host={sockets}&port={roles.PORT}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _sockets(self) -> Path:
        if self._runtime is None:
            raise LocalError("PostgreSQL is not running.")
        return self._runtime

    def _prepare(self) -> Account:
        """Everything up to the moment when the server can be started."""
        self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._lock.take():
            raise LocalError(f"Another program already runs PostgreSQL on {self.folder}.")
        account = account_for(self.folder.parent)
        exists = self.folder.exists()
        if exists:
            account.check_owner(self.folder)
            cluster.check(self.folder, self._install)
            cluster.end_orphan(self.folder)
        kept = self._kept_state()
        self._make_runtime(account, kept.pop("runtime", ""))
        programs = install.within_reach(self._install, account, self._sockets)
        self._passwords = {role: kept.get(role) or secrets.token_urlsafe(32) for role in roles.ROLES}
        if exists and roles.SUPERUSER not in kept:
            # Written down only after the cluster has it: a kill in between leads here again.
            cluster.set_superuser_password(self.folder, programs, account, self._passwords[roles.SUPERUSER])
        write_private(self._beside("json"), json.dumps({**self._passwords, "runtime": str(self._sockets)}))
        if not exists:
            self._make_cluster(account, programs)
        return account

    def _kept_state(self) -> dict[str, str]:
        try:
            kept = json.loads(self._beside("json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}

    def _make_runtime(self, account: Account, stale: str) -> None:
        """The folder of the socket; what a killed starter left of its own goes away."""
        if self._runtime is not None:
            return
        if stale and Path(stale).name.startswith(RUNTIME_PREFIX) and not Path(stale).is_symlink():
            shutil.rmtree(stale, ignore_errors=True)
        wanted = Path(tempfile.gettempdir())
        fits = len(os.fsencode(wanted)) <= LONGEST_TMP and account.can_pass(wanted)
        self._runtime = Path(tempfile.mkdtemp(prefix=RUNTIME_PREFIX, dir=wanted if fits else "/tmp"))  # noqa: S108  # nosec B108  # the folder is made anew by mkdtemp, closed to others
        account.own(self._runtime)

    def _make_cluster(self, account: Account, programs: Path) -> None:
        password_file = self._sockets / "password"
        write_private(password_file, self._passwords[roles.SUPERUSER] + "\n")
        account.own(password_file)
        try:
            cluster.make(self.folder, programs, account, password_file, durable=self.durable)
        finally:
            password_file.unlink(missing_ok=True)

    def _launch(self, account: Account) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            for left_over in self._sockets.glob(".s.PGSQL.*"):
                left_over.unlink()
            seen = self._log.stat().st_size if self._log.exists() else 0
            self._child = self._spawn(account)
            if self._accepts(deadline):
                return
            said = self._log.read_bytes()[seen:].decode(errors="replace").strip()
            # The last server was killed, and its sessions have not all noticed yet.
            if "shared memory block" not in said or time.monotonic() > deadline:
                raise LocalError(f"PostgreSQL did not start on {self.folder}:\n{said}")
            time.sleep(0.2)

    def _spawn(self, account: Account) -> subprocess.Popen[bytes]:
        programs = install.within_reach(self._install, account, self._sockets)
        settings = SETTINGS | ({} if self.durable else FORGETFUL)
        words = [*account.prefix, str(programs / "bin" / "postgres"), "-D", str(self.folder)]
        words += ["-k", str(self._sockets)]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(  # nosec B603  # no shell, and a command line of our own
                words, cwd="/", env=cluster.ENVIRONMENT, stdin=subprocess.DEVNULL,
                stdout=descriptor, stderr=descriptor,
                # Ctrl-C is for the supervisor, which stops the database last.
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509  # we start no threads
            )  # fmt: skip
        finally:
            os.close(descriptor)

    def _accepts(self, deadline: float) -> bool:
        """True once it lets us in, False if it ended first."""
        while self.poll() is None:
            try:
                roles.connect(self._sockets, self._passwords[roles.SUPERUSER], roles.SUPERUSER).close()
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise LocalError(
                        f"The passwords in {self._beside('json')} are not those of {self.folder}."
                        " Remove the file, and the next start sets new ones."
                    ) from None
                if time.monotonic() > deadline:
                    raise LocalError(f"PostgreSQL on {self.folder} lets nobody in: {error}") from None
                time.sleep(0.03)
            else:
                return True
        return False

    def _end_child(self) -> None:
        if self._child is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._child.poll() is None:
                self._child.send_signal(number)
            try:
                self._child.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        self._child = None
