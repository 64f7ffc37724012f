"""Passwords: Argon2id, and one verification on every path so that no path tells whether an account exists."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from server.errors import Refused

SHORTEST = 12
LONGEST = 256

_hasher = PasswordHasher()


def hash_password(password: str, field: str = "password") -> str:
    """Raises Refused when it is too short or absurdly long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(field, f"A password has {SHORTEST} to {LONGEST} characters.")
    return _hasher.hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """Costs the same when there is nothing to compare with."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password)
    except VerifyMismatchError:
        return False
    return password_hash is not None


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")
