"""Programs that run beside each other: their output, their restarts and their end."""

import contextlib
import os
import selectors
import signal
import subprocess  # nosec B404  # starting programs is its work
import time
from collections.abc import Callable, Iterable, Mapping
from typing import IO

from server.local.commands import Argv
from server.local.lifeline import die_with_parent
from server.local.terminal import say

STOP_SECONDS = 15.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
HEALTHY_SECONDS = 30.0  # after this long, an end is the first of its kind again


def spawn(argv: Argv, environ: Mapping[str, str], output: IO[bytes] | int | None) -> subprocess.Popen[bytes]:
    """In its own session: Ctrl-C reaches us alone, and its whole group can be ended at once."""
    return subprocess.Popen(  # nosec B603  # no shell, and a command line of our own
        argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output,
        stderr=None if output is None else subprocess.STDOUT, start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  # we start no threads
    )  # fmt: skip


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """What a program leaves behind, such as a web server's own workers, which would keep its port."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class Child:
    """One program that is started again whenever it ends."""

    def __init__(self, name: str, argv: Argv, environ: Mapping[str, str]) -> None:
        self.name = name
        self.argv = argv
        self.environ = environ
        self.failures = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._again = 0.0

    def start(self) -> IO[bytes]:
        """Returns what it prints, to be read without waiting."""
        self.process = spawn(self.argv, self.environ, subprocess.PIPE)
        self._started = time.monotonic()
        assert self.process.stdout is not None  # noqa: S101  # a pipe was asked for  # nosec B101  # for the type checker
        os.set_blocking(self.process.stdout.fileno(), False)
        return self.process.stdout

    def ended(self) -> bool:
        """Notice the end, once, and set the time of the next start."""
        if self.process is None or self.process.poll() is None:
            return False
        now, code = time.monotonic(), self.process.returncode
        kill_group(self.process)
        self.process = None
        self.failures = 1 if now - self._started > HEALTHY_SECONDS else self.failures + 1
        delay = min(FIRST_DELAY * 2 ** (self.failures - 1), LONGEST_DELAY)
        self._again = now + delay
        say(f"{self.name} {ending(code)}; starting it again in {delay:g} s.")
        return True

    def is_due(self) -> bool:
        return self.process is None and time.monotonic() >= self._again


class Children:
    """All programs together, on one thread: a thread would make starting them unsafe."""

    def __init__(self) -> None:
        self._children: dict[str, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._partial: dict[int, bytes] = {}

    def add(self, child: Child) -> None:
        self._children[child.name] = child
        self._start(child)

    def failures(self) -> dict[str, int]:
        return {child.name: child.failures for child in self._children.values()}

    def _start(self, child: Child) -> None:
        pipe = child.start()
        self._partial[pipe.fileno()] = b""
        self._selector.register(pipe, selectors.EVENT_READ, child.name)

    def watch(self, seconds: float) -> None:
        """Pass on what they print for at most that long; start again what ended."""
        self._pass_on(seconds)
        for child in self._children.values():
            child.ended()
            if child.is_due():
                self._start(child)

    def _pass_on(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            self._read(key.fileobj, str(key.data))  # type: ignore[arg-type]  # the pipes we registered

    def _read(self, pipe: IO[bytes], name: str) -> None:
        try:
            chunk = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return
        *lines, rest = (self._partial[pipe.fileno()] + chunk).split(b"\n")
        if not chunk and rest:
            lines, rest = [rest], b""
        for line in lines:
            say(f"{name:<9} | {line.decode(errors='replace').rstrip()}")
        self._partial[pipe.fileno()] = rest
        if not chunk:
            del self._partial[pipe.fileno()]
            self._selector.unregister(pipe)
            pipe.close()

    def stop(self, names: Iterable[str]) -> None:
        """SIGTERM in this order, then wait for all of them together; SIGKILL for whoever takes too long."""
        running: list[tuple[str, subprocess.Popen[bytes]]] = []
        for name in names:
            child = self._children.pop(name, None)
            if child is not None and child.process is not None:
                child.process.terminate()
                running.append((name, child.process))
        deadline = time.monotonic() + STOP_SECONDS
        while any(process.poll() is None for _, process in running) and time.monotonic() < deadline:
            self._pass_on(0.05)
        for name, process in running:
            if process.poll() is None:
                say(f"{name} did not stop within {STOP_SECONDS:g} s: killed.")
            kill_group(process)
            process.wait()
        self._pass_on(0)

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # the pipes we registered
        self._selector.close()


def run_step(argv: Argv, environ: Mapping[str, str], output: IO[bytes] | None, sleep: Callable[[float], None]) -> int:
    """Run one program to its end; `sleep` may raise, and then the program is ended first."""
    process = spawn(argv, environ, output)
    try:
        while process.poll() is None:
            sleep(0.05)
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        raise
    finally:
        kill_group(process)
        process.wait()
    return process.returncode
