"""How often Argon2 really ran: its own functions, counted on their way through."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from unittest.mock import patch

from argon2.low_level import hash_secret, verify_secret


class Calls(Counter[str]):
    """By "verify" and "hash"; `at_once` is the most that ran at one time."""

    at_once = 0


@contextmanager
def counted_argon2() -> Iterator[Calls]:
    calls, lock, running = Calls(), Lock(), Counter[str]()

    def counting(name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            with lock:
                calls[name] += 1
                running["now"] += 1
                calls.at_once = max(calls.at_once, running["now"])
            try:
                return real(*args, **kwargs)
            finally:
                with lock:
                    running["now"] -= 1

        return call

    with (
        patch("argon2._password_hasher.verify_secret", counting("verify", verify_secret)),
        patch("argon2._password_hasher.hash_secret", counting("hash", hash_secret)),
    ):
        yield calls
