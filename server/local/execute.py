"""Run one command in the local clinic's environment, whether the clinic runs at this moment or not."""

import os
import signal
import subprocess  # nosec B404  # starting programs is its work
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from server.local import commands
from server.local.clinic import ENVIRONMENT, LOCK, open_clinic
from server.local.commands import Argv, Commands, resolved
from server.local.environment import open_var, read_environment
from server.local.errors import LocalError
from server.local.files import Lock
from server.local.lifeline import die_with_parent
from server.local.ports import Ports
from server.local.terminal import Stopped, StopSignals

WAIT_SECONDS = 120.0


def execute(
    command: Argv,
    var: Path,
    environ: Mapping[str, str],
    commands_for: Callable[[Ports, Path], Commands] = commands.clinic,
) -> int:
    """The command's exit code, in the way of a shell: 128 and the signal's number when one ended it."""
    open_var(var)
    deadline = time.monotonic() + WAIT_SECONDS
    lock = Lock(var / LOCK, "server.local exec")
    with StopSignals() as stop:
        try:
            while not lock.take():
                # Whoever holds it has a database, or soon will.
                if (var / ENVIRONMENT).exists():
                    return _run(command, {**environ, **read_environment(var / ENVIRONMENT)}, stop)
                if time.monotonic() > deadline:
                    raise LocalError(f"{lock.holder()} does not get its database ready.")
                stop.sleep(0.2)
            ports = Ports.from_env(environ)
            table = commands_for(ports, var / "demo.json.part")
            with open_clinic(var, environ, ports, table.migrate, stop) as clinic:
                return _run(command, clinic.environ, stop)
        except Stopped:
            return 128 + (stop.came or signal.SIGTERM)
        finally:
            lock.release()


def _run(command: Argv, environ: Mapping[str, str], stop: StopSignals) -> int:
    """In our own process group, so that it can talk to the terminal."""
    try:
        process = subprocess.Popen(  # nosec B603  # no shell, and a command line of our own
            resolved(command),
            env=dict(environ),
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  # we start no threads
        )
    except OSError as error:
        raise LocalError(f"Cannot run {command[0]}: {error.strerror}.") from None
    forwarded = None
    while process.poll() is None:
        if stop.came is not None and stop.came != forwarded:
            forwarded = stop.came
            if not _terminal_told_both(forwarded):
                process.send_signal(forwarded)
        time.sleep(0.02)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _terminal_told_both(number: signal.Signals) -> bool:
    """Ctrl-C reaches the whole foreground group by itself; twice would be once too often."""
    if number != signal.SIGINT or not sys.stdin or not sys.stdin.isatty():
        return False
    return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
