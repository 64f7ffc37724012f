"""How fast one account may ask: a limit against runaway clients, generous enough for a phone that syncs.

`limits` counts in the memory of each process, so several of them let through several times as much: an approximate
limit, and no protection of passwords (server.services.throttle is that). Its clock is the system's.
"""

import time
from math import ceil
from typing import cast

import structlog
from flask import Flask, current_app, g
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from server.clock import utcnow
from server.counts import Counts
from server.errors import REQUESTS, TooMany
from server.logs import described
from server.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_KEY = "interlude_pace"
WINDOW_SECONDS = 60
# So long a store that was away is not asked: each request would wait for it.
LEFT_ALONE_SECONDS = 10.0


class Pace:
    """So many requests of one account in a minute. A store that is away does not take the service with it."""

    def __init__(self, per_minute: int, shared: Storage | None) -> None:
        self._most = RateLimitItemPerMinute(per_minute)
        # The library's own memory starts a thread at most requests, and looks through all accounts at each.
        self._own = FixedWindowRateLimiter(Counts())
        self._shared = FixedWindowRateLimiter(shared) if shared else None
        self._left_alone_until = 0.0

    def keep(self, account: str) -> None:
        """One request more. Raises TooMany."""
        if self._shared is not None and time.monotonic() >= self._left_alone_until:
            try:
                self._keep(self._shared, account)
            except StorageError as error:
                self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
                log.warning("the store of the limit is away", error=described(error))
            else:
                return
        self._keep(self._own, account)

    def _keep(self, counted: FixedWindowRateLimiter, account: str) -> None:
        if counted.hit(self._most, account):
            return
        left = counted.get_window_stats(self._most, account).reset_time - utcnow().timestamp()
        # The window's end is rounded up.
        raise TooMany(min(max(1, ceil(left)), WINDOW_SECONDS), REQUESTS)


def configure(app: Flask, settings: Settings) -> None:
    """Raises when a store is asked for whose client is not installed."""
    url = settings.rate_limit_storage_url
    shared = None if url == "memory://" else cast(Storage, storage_from_string(url, wrap_exceptions=True))
    app.extensions[_KEY] = Pace(settings.rate_limit_per_minute, shared)


def keep_pace() -> None:
    """Once the caller of a request is known. Raises TooMany."""
    cast(Pace, current_app.extensions[_KEY]).keep(f"{g.caller.role} {g.caller.id}")
