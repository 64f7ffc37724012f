"""How fast one account may ask: a limit against runaway clients, generous enough for a phone that syncs.

Flask-Limiter counts in the memory of each process, so several of them let through several times as much: an approximate
limit, and no protection of passwords (server.services.throttle is that). Its clock is the system's.
"""

from collections.abc import Callable
from math import ceil
from typing import cast

from flask import Flask, current_app, g
from flask_limiter import Limiter, RateLimitExceeded

from server.clock import utcnow
from server.counts import SCHEME
from server.errors import REQUESTS, TooMany
from server.settings import Settings

_KEY = "interlude_pace"
WINDOW_SECONDS = 60


def configure(app: Flask, settings: Settings) -> None:
    """Raises when a store is asked for whose client is not installed."""
    in_memory = settings.rate_limit_storage_url == "memory://"
    limiter = Limiter(
        lambda: f"{g.caller.role} {g.caller.id}",
        app=app,
        # The library's own memory starts a thread at most requests, and looks through all accounts at each.
        storage_uri=SCHEME if in_memory else settings.rate_limit_storage_url,
        strategy="fixed-window",
        # A store that is away must not take the service with it.
        in_memory_fallback_enabled=not in_memory,
    )

    @limiter.shared_limit(f"{settings.rate_limit_per_minute} per minute", scope="account")
    def counted() -> None:
        """One request more, of g.caller."""

    def keep() -> None:
        try:
            counted()
        except RateLimitExceeded:
            limit = limiter.current_limit
            left = limit.reset_at - utcnow().timestamp() if limit else 0
            # The window's end is rounded up.
            raise TooMany(min(max(1, ceil(left)), WINDOW_SECONDS), REQUESTS) from None

    app.extensions[_KEY] = keep


def keep_pace() -> None:
    """Once the caller of a request is known. Raises TooMany."""
    cast(Callable[[], None], current_app.extensions[_KEY])()
