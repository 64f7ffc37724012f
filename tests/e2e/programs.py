"""Web, scheduler, worker and commands as processes that start in a moment: forked off one that imported everything."""

import gc
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from flask import cli
from flask_migrate import upgrade
from granian.constants import Interfaces
from granian.server import Server
from prometheus_client import values

from server import scheduler, worker
from server.app import create_app
from tests.e2e.shifted import now
from tests.faults.traps import TRAP_FILE, watch_for_traps

_context = multiprocessing.get_context("forkserver")
# Of these the nursery has read all that it needs; pytest, for whoever runs the tests by its name.
_context.set_forkserver_preload(["tests.early", "__main__", "pytest", __name__])


class Program:
    """One process group, so that what it started ends with it."""

    def __init__(self, name: str, base_url: str, environment: Mapping[str, str], log: Path, *words: str) -> None:
        """`words`: of a command, whose name is flask; of web, how many processes it is."""
        self.name = name
        self._process = ForkServerProcess(target=run, args=(name, base_url, dict(environment), str(log), *words))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float) -> int | None:
        self._process.join(timeout)
        return self.poll()

    def kill(self) -> None:
        """All of it, at once. It may be there no more, or not yet be a group of its own."""
        for end in (os.killpg, os.kill):
            try:
                end(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.join()


def run(name: str, base_url: str, environment: dict[str, str], log: str, *words: str) -> None:
    gc.freeze()
    gc.enable()
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for output in (1, 2):
        os.dup2(descriptor, output)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    kind = name.split(maxsplit=1)[0]
    if TRAP_FILE in environment:
        watch_for_traps(kind, Path(environment[TRAP_FILE]))
    try:
        _do(kind, base_url, words)
    except Exception:  # noqa: BLE001  # as the interpreter ends, whose place multiprocessing takes
        sys.excepthook(*sys.exc_info())
        sys.exit(1)


def _do(kind: str, base_url: str, words: tuple[str, ...]) -> None:
    if kind == "web":
        _serve(int(base_url.rpartition(":")[2]), *map(int, words))
    elif kind == "release":
        with create_app().app_context():
            upgrade()
    elif kind == "flask":
        sys.argv = ["flask", "--app", "server.app", *words]
        cli.main()
    else:
        {"scheduler": scheduler.main, "worker": worker.main}[kind](now=now)


def _serve(port: int, processes: int = 1) -> None:
    """As the Procfile says it."""
    # The library asked for the folder of the figures when it was imported, in the nursery.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    # Granian starts its own child in this way: it need not import all of it again.
    multiprocessing.set_start_method("fork", force=True)
    Server(
        "tests.e2e.shifted:create_app",
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=processes,
        respawn_failed_workers=processes > 1,
        blocking_threads=4,
        websockets=False,
        log_dictconfig=json.loads(Path("server/granian.json").read_text(encoding="utf-8")),
    ).serve()
