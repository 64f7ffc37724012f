"""What is compared: ours as the Procfile runs it, and the peers as their own guides run them."""

import os
import re
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

from bench.api.load import HOST
from server.local.children import kill_group, spawn
from server.local.commands import resolved

START_SECONDS = 60.0
WORKERS, THREADS = 2, 8  # of every web server


@dataclass(frozen=True, slots=True)
class System:
    """One thing under load: its programs, and what its phones present."""

    name: str
    programs: Mapping[str, tuple[str, ...]]
    environ: Mapping[str, str]
    port: int
    tokens: Sequence[str]


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def procfile(environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Each line as a shell would read it with this environment."""
    programs = {}
    for line in Path("Procfile").read_text().splitlines():
        name, _, command = line.partition(": ")
        filled = re.sub(r"\$\{(\w+):-([^}]+)\}", lambda found: environ.get(found[1]) or found[2], command)
        # What a line sets for itself is in the environment already.
        words = tuple(dropwhile(lambda word: re.match(r"[A-Z_]+=", word), shlex.split(filled)))
        programs[name] = (sys.executable, "-m", *words) if words[0] == "granian" else resolved(words)
    programs.pop("release")
    return programs


def interlude(environ: Mapping[str, str], tokens: Sequence[str]) -> System:
    port = free_port()
    told = {**environ, "PORT": str(port), "WEB_WORKERS": str(WORKERS)}
    return System("interlude", procfile(told), told, port, tokens)


def gunicorn(name: str, module: str, environ: Mapping[str, str], tokens: Sequence[str]) -> System:
    port = free_port()
    words = ("gunicorn", "--bind", f"{HOST}:{port}", "--workers", str(WORKERS), "--threads", str(THREADS))
    # Two of them on one machine would share its control socket.
    web = (sys.executable, "-m", *words, "--no-control-socket", "--log-level", "warning", f"{module}:app")
    return System(name, {"web": web}, environ, port, tokens)


def uvicorn(name: str, module: str, environ: Mapping[str, str], tokens: Sequence[str]) -> System:
    port = free_port()
    words = ("uvicorn", "--host", HOST, "--port", str(port), "--workers", str(WORKERS))
    web = (sys.executable, "-m", *words, "--no-access-log", "--log-level", "warning", f"{module}:app")
    return System(name, {"web": web}, environ, port, tokens)


def new_secret() -> str:
    return secrets.token_urlsafe(48)


@contextmanager
def running(system: System, log: Path) -> Iterator[int]:
    """All its programs; gives the web server's process id."""
    with log.open("ab") as output:
        children = [spawn(argv, {**os.environ, **system.environ}, output.fileno()) for argv in system.programs.values()]
        web = children[list(system.programs).index("web")]
        try:
            _wait(system, web, log)
            yield web.pid
        finally:
            for child in children:
                child.terminate()
            for child in children:
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    kill_group(child)
                    child.wait()


def _wait(system: System, web: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and web.poll() is None:
        try:
            socket.create_connection((HOST, system.port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{system.name} did not start:\n{log.read_text()[-2000:]}")
