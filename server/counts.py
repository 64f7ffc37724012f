"""Counts that end after a while, in the memory of this process: what server.pace keeps them in."""

from threading import Lock
from typing import Any

from limits.storage import Storage

from server.clock import utcnow

SWEEP_SECONDS = 60.0


class Counts(Storage):
    """For fixed windows. `limits` registers it under its scheme, whether anybody asks for it by that or not."""

    STORAGE_SCHEME = ["counts"]  # noqa: RUF012  # the library's own declaration

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._counts: dict[str, tuple[float, int]] = {}  # when it ends, and how many
        self._lock = Lock()
        self._swept = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """How many it is now; `expiry`: seconds until it ends, from the first."""
        now = utcnow().timestamp()
        with self._lock:
            self._sweep(now)
            ends, count = self._counts.get(key, (0.0, 0))
            if ends <= now:
                ends, count = now + expiry, 0
            self._counts[key] = ends, count + amount
        return count + amount

    def get(self, key: str) -> int:
        ends, count = self._counts.get(key, (0.0, 0))
        return count if ends > utcnow().timestamp() else 0

    def get_expiry(self, key: str) -> float:
        """When it ends, in seconds since 1970; now, when there is none."""
        now = utcnow().timestamp()
        return max(now, self._counts.get(key, (now, 0))[0])

    def check(self) -> bool:
        return True

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)

    def reset(self) -> int:
        with self._lock:
            count = len(self._counts)
            self._counts.clear()
        return count

    def _sweep(self, now: float) -> None:
        """Now and then, what has ended goes; between two sweeps no request looks at another account's."""
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            self._counts = {key: kept for key, kept in self._counts.items() if kept[0] > now}
