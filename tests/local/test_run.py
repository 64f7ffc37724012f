"""The supervisor, with small programs in place of the real ones: starts, restarts and every way to end."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.local.environment import read_environment
from server.local.ports import Ports

# A clinic whose every program notes in one file that it started and that it was told to end.
CLINIC = '''
import os, pathlib, sys
from server.local.commands import Commands
from server.local.errors import LocalError
from server.local.execute import execute
from server.local.run import run

NOTE = """
import os, signal, sys, time
name = sys.argv[1]
def note(what):
    with open("events", "a") as file: file.write(f"{what} {name} {os.getpid()}\\\\n")
def end(*_):
    note("end"); os._exit(0)
signal.signal(signal.SIGTERM, end)
note("start"); print("hello from", name, flush=True)
if name == "mailbox":
    os.makedirs("var/mailbox", exist_ok=True); open("var/mailbox/alert.eml", "w").close()
if name == "web":
    if os.fork() == 0:
        name = "web-worker"; signal.signal(signal.SIGTERM, signal.SIG_IGN); note("start"); time.sleep(600)
    import http.server
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
        def log_message(self, *args): pass
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
time.sleep(600)
"""
ACCOUNTS = '[{"role": "clinician", "email": "bob@x.example", "password": "pw"}]'
DEMO = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"

def table(ports, part):
    note = lambda name: (sys.executable, "-c", NOTE, name)
    return Commands(
        migrate=(sys.executable, "-c", os.environ.get("MIGRATE", "pass")),
        demo=(sys.executable, "-c", os.environ.get("DEMO", DEMO), str(part), ACCOUNTS),
        services={name: note(name) for name in ("web", "scheduler", "worker")},
        mailbox=note("mailbox"),
    )

var = pathlib.Path("var").absolute()
try:
    words = tuple(sys.argv[1:])
    sys.exit(execute(words, var, os.environ, table) if words else run(var, os.environ, table))
except LocalError as error:
    sys.exit(f"Error: {error}")
'''
CONNECT = "import os, psycopg, sys; psycopg.connect(os.environ['DATABASE_URL'].replace('+psycopg', ''))"
SLOW_DEMO = "import time; open('events', 'a').write('start demo 0\\n'); time.sleep(600)"
SERVICES = ["mailbox", "web", "scheduler", "worker"]


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Checkout:
    """A folder that a clinic runs in."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.folder = folder
        self.ports = ports
        self.var = folder / "var"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", CLINIC, *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), "PORT": str(self.ports.web), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def output(self, process: subprocess.Popen[str], code: int) -> str:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == code, output
        return output

    def events(self, what: str) -> list[str]:
        """Names, in the order in which it happened to them."""
        return [name for event, name, _ in self._lines() if event == what]

    def pid(self, name: str) -> int:
        return next(int(pid) for event, who, pid in reversed(self._lines()) if (event, who) == ("start", name))

    def _lines(self) -> list[list[str]]:
        with contextlib.suppress(FileNotFoundError):
            return [line.split() for line in (self.folder / "events").read_text().splitlines()]
        return []

    def is_ready(self) -> bool:
        return (self.var / "demo.json").exists()

    def postmaster(self) -> int:
        return int((self.var / "postgres" / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def checkout(tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    place = Checkout(tmp_path, ports)
    yield place
    for process in place.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_clinic_starts_heals_and_stops_in_order(checkout: Checkout) -> None:
    supervisor = checkout.start()
    wait_until(checkout.is_ready)
    wait_until(lambda: set(SERVICES) <= set(checkout.events("start")))
    demo = json.loads((checkout.var / "demo.json").read_text())
    assert demo["base_url"] == checkout.ports.base_url
    assert demo["accounts"] == [{"role": "clinician", "email": "bob@x.example", "password": "pw"}]
    for name in ("demo.json", "secrets.json", "local.env"):
        assert stat.S_IMODE((checkout.var / name).stat().st_mode) == 0o600
    settings = read_environment(checkout.var / "local.env")
    assert settings["SMTP_PORT"] == str(checkout.ports.smtp)
    assert settings["MAIL_FROM"] == "Interlude <no-reply@interlude.example>"

    second = checkout.start()
    assert "already runs in" in checkout.output(second, 1)

    worker, orphan = checkout.pid("worker"), checkout.pid("web-worker")
    os.kill(worker, signal.SIGKILL)
    os.kill(checkout.pid("web"), signal.SIGKILL)
    postmaster = checkout.postmaster()
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: not is_alive(orphan))
    wait_until(lambda: checkout.events("start").count("worker") == 2)
    wait_until(lambda: checkout.events("start").count("web-worker") == 2)
    wait_until(lambda: checkout.postmaster() != postmaster)
    assert checkout.output(checkout.start("python", "-W", "ignore", "-c", CONNECT), 0) == ""

    supervisor.send_signal(signal.SIGINT)
    supervisor.send_signal(signal.SIGTERM)
    output = checkout.output(supervisor, 0)
    assert "worker    | hello from worker" in output
    assert "worker was ended by SIGKILL; starting it again" in output
    assert "PostgreSQL was ended by SIGKILL; starting it again" in output
    assert sorted(checkout.events("end")) == sorted(SERVICES)
    assert checkout.events("end")[-1] == "mailbox"
    assert not is_alive(checkout.pid("web-worker"))
    assert not (checkout.var / "postgres" / "postmaster.pid").exists()


def test_a_killed_supervisor_leaves_nothing_behind(checkout: Checkout) -> None:
    supervisor = checkout.start()
    wait_until(checkout.is_ready)
    # Whoever is killed before it listens for the signal notes nothing.
    wait_until(lambda: {*SERVICES, "web-worker"} <= set(checkout.events("start")))
    postmaster = checkout.postmaster()
    supervisor.kill()
    wait_until(lambda: sorted(checkout.events("end")) == sorted(SERVICES))
    wait_until(lambda: not is_alive(postmaster))
    with contextlib.suppress(ProcessLookupError):
        os.kill(checkout.pid("web-worker"), signal.SIGKILL)  # it ignores SIGTERM, and its own parent left it
    # What even PostgreSQL could not tidy up, the next start does.
    runtime = Path(json.loads((checkout.var / "postgres.json").read_text())["runtime"])
    assert runtime.exists()
    checkout.output(checkout.start("python", "-c", "pass"), 0)
    assert not runtime.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_setup_ends_it_cleanly(checkout: Checkout, number: signal.Signals) -> None:
    supervisor = checkout.start(DEMO="import time; open('events', 'a').write('start demo 0\\n'); time.sleep(600)")
    wait_until(lambda: "demo" in checkout.events("start") and "mailbox" in checkout.events("start"))
    supervisor.send_signal(number)
    checkout.output(supervisor, 0)
    assert checkout.events("end")[-1] == "mailbox"
    started = set(checkout.events("start")) - {"demo"}
    assert not [name for name in started if is_alive(checkout.pid(name))]
    assert not (checkout.var / "postgres" / "postmaster.pid").exists()


def test_a_failed_step_says_why(checkout: Checkout) -> None:
    output = checkout.output(checkout.start(MIGRATE="import sys; print('no such column'); sys.exit(3)"), 1)
    assert "no such column" in output
    assert "Error: The migrations ended with exit code 3." in output
    assert "Error: The demo ended with exit code 4." in checkout.output(
        checkout.start(DEMO="import sys; sys.exit(4)"), 1
    )
    assert not (checkout.var / "postgres" / "postmaster.pid").exists()


def test_exec_brings_its_own_database_and_passes_the_exit_code_on(checkout: Checkout) -> None:
    checkout.output(checkout.start("python", "-W", "ignore", "-c", f"{CONNECT}; sys.exit(7)"), 7)
    assert not (checkout.var / "postgres" / "postmaster.pid").exists()
    assert "Cannot run no-such-program" in checkout.output(checkout.start("no-such-program"), 1)

    sleeper = checkout.start("python", "-c", "import time; print('here', flush=True); time.sleep(600)")
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "here\n"
    sleeper.terminate()
    checkout.output(sleeper, 128 + signal.SIGTERM)
