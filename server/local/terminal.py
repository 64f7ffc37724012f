"""What the developer sees, and the signals that end a command."""

import contextlib
import os
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def say(line: str) -> None:
    """Print at once. A terminal that was closed, or a full disk, never gets in the way of stopping."""
    with contextlib.suppress(OSError):
        os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, f"{line}\n".encode(errors="replace"))


class Stopped(Exception):  # a wish, not a fault
    """Somebody wants us to end."""


class StopSignals:
    """Remembers that a signal came: nothing is interrupted halfway, whoever waits asks check()."""

    def __init__(self) -> None:
        self.came: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            before = signal.getsignal(number)
            if number == signal.SIGHUP and before == signal.SIG_IGN:
                continue  # nohup
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # what signal.signal() gave

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        if self.came is None:
            self.came = signal.Signals(number)

    def check(self) -> None:
        if self.came is not None:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        self.check()
        time.sleep(seconds)
        self.check()
