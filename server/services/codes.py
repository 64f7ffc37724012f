"""Codes that people type: Crockford's base 32, which has no letter that reads as a digit."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code(symbols: int) -> str:
    """Random symbols, 5 bits each, in groups of four."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(symbols))
    return "-".join(drawn[start : start + 4] for start in range(0, symbols, 4))


def normal_code(typed: str) -> str:
    """What was meant: case, hyphens and spaces don't matter, O is 0, I and L are 1."""
    bare = typed.upper().replace("-", "").replace(" ", "").translate(str.maketrans("OIL", "011"))
    return "-".join(bare[start : start + 4] for start in range(0, len(bare), 4))
