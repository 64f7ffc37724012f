"""Passwords: Argon2id, and one verification on every path so that no path tells whether an account exists."""

import base64
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from server.errors import Busy, Refused
from server.extensions import parts
from server.services.common_passwords import is_common, is_made_of

SHORTEST = 12
LONGEST = 256
# Who waits longer is told to come back, before requests pile up behind the others.
WAIT_SECONDS = 5.0

_hasher = PasswordHasher()


def hash_password(password: str, known: Iterable[str], field: str = "password") -> str:
    """For a new password; `known` is what others know of its owner. Raises Refused, which says why, and Busy."""
    check_password(password, known, field)
    with _place():
        return _hasher.hash(_normal(password))


def check_password(password: str, known: Iterable[str], field: str = "password") -> None:
    """Raises Refused for one that is too short, absurdly long, tried first by everybody, or made of what is known."""
    normal = _normal(password)
    if not SHORTEST <= len(normal) <= LONGEST:
        raise Refused(field, "A password has %(low)d to %(high)d characters.", low=SHORTEST, high=LONGEST)
    if is_common(normal):
        raise Refused(field, "This password is among those that are tried first. Four words at random are a good one.")
    if is_made_of(normal, known):
        raise Refused(field, "A password is not made of one's email address, name or code.")


def password_matches(password: str, password_hash: str | None) -> bool:
    """Costs the same when there is nothing to compare with. Raises Busy."""
    with _place():
        try:
            _hasher.verify(password_hash or _nobodys_hash(), _normal(password))
        except VerifyMismatchError:
            return False
    return password_hash is not None


def _normal(password: str) -> str:
    """What was typed, in NFC: keyboards differ in how they send an é."""
    return unicodedata.normalize("NFC", password)


@contextmanager
def _place() -> Iterator[None]:
    """One of the few: each takes 64 MiB and a core."""
    places = _places(parts().settings.passwords_at_once)
    if not places.acquire(timeout=WAIT_SECONDS):
        raise Busy("Too many passwords are being checked at this moment.")
    try:
        yield
    finally:
        places.release()


_made = cache(BoundedSemaphore)
_making = Lock()


def _places(number: int) -> BoundedSemaphore:
    """Of this process: also for the first two, when they ask at the same moment, which a cache alone gives one each."""
    with _making:
        return _made(number)


@cache
def _nobodys_hash() -> str:
    """A hash of no password, with the parameters of any other. Put together, not worked out: the first to ask in a
    process would wait for that.
    """
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (_hasher.salt_len, _hasher.hash_len)
    )
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
