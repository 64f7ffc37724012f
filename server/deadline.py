"""What somebody else sends us, read within a time and a size. A time-out for each wait alone never ends a trickle."""

import time
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any


class TooLong(OSError):
    """More came than we read."""


class Deadline:
    """`whole` seconds from now for all of it, `step` for each wait."""

    def __init__(self, whole: float, step: float) -> None:
        self._until, self._step = time.monotonic() + whole, step

    def left(self) -> float:
        """How long the next wait may last. Raises TimeoutError when the time is over."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        return min(left, self._step)

    def come_within(self, seconds: float) -> None:
        self._until = min(self._until, time.monotonic() + seconds)


class _Bounded(RawIOBase):
    def __init__(self, source: socket, deadline: Deadline, most: int) -> None:
        self._socket, self._source = source, source.makefile("rb", buffering=0)
        self._deadline, self._room = deadline, most

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        if self._room <= 0:
            raise TooLong
        self._socket.settimeout(self._deadline.left())
        got = self._source.readinto(into)
        self._room -= got or 0
        return got

    def close(self) -> None:
        self._source.close()
        super().close()


def reading(source: socket, deadline: Deadline, most: int) -> BufferedReader:
    """What the socket receives, as a file that raises TimeoutError or TooLong; at most some 8 KiB more than `most`."""
    return BufferedReader(_Bounded(source, deadline, most))
