"""Passwords: Argon2id, and one verification on every path so that no path tells whether an account exists."""

import unicodedata
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from server.errors import Refused
from server.services.common_passwords import is_common, is_made_of

SHORTEST = 12
LONGEST = 256

_hasher = PasswordHasher()


def hash_password(password: str, known: Iterable[str], field: str = "password") -> str:
    """For a new password; `known` is what others know of its owner. Raises Refused, which says why."""
    check_password(password, known, field)
    return _hasher.hash(_normal(password))


def check_password(password: str, known: Iterable[str], field: str = "password") -> None:
    """Raises Refused for one that is too short, absurdly long, tried first by everybody, or made of what is known."""
    normal = _normal(password)
    if not SHORTEST <= len(normal) <= LONGEST:
        raise Refused(field, f"A password has {SHORTEST} to {LONGEST} characters.")
    if is_common(normal):
        raise Refused(field, "This password is among those that are tried first. Four words at random are a good one.")
    if is_made_of(normal, known):
        raise Refused(field, "A password is not made of one's email address, name or code.")


def password_matches(password: str, password_hash: str | None) -> bool:
    """Costs the same when there is nothing to compare with."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), _normal(password))
    except VerifyMismatchError:
        return False
    return password_hash is not None


def _normal(password: str) -> str:
    """What was typed, in NFC: keyboards differ in how they send an é."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")
