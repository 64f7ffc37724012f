"""Passwords that are tried first: what many people have, what only dresses that up, and what is known of its owner."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("common_passwords.txt")
FEWEST_DISTINCT = 5
# What a password has besides its owner's name must be more than this.
LEAST_BESIDE = 8
# What is known of everybody here.
OURS = ("interlude",)
KEYBOARD = (
    *("abcdefghijklmnopqrstuvwxyz", "0123456789", "1234567890"),
    *("qwertyuiopasdfghjklzxcvbnm", "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p"),
)
DISGUISES = str.maketrans("@4310!5$7", "aaeloisst")


def is_common(password: str) -> bool:
    """Whether it is on the list, or is once its ornaments are off: case, digits around it, @ for a, said twice."""
    plain = password.lower()
    if len(set(plain)) < FEWEST_DISTINCT:
        return True
    forms = {plain, *map(_said_once, _undressed(plain))}
    return any(form in _listed() or _runs_along_keys(form) for form in forms)


def is_made_of(password: str, known: Iterable[str]) -> bool:
    """Whether little is left without what is known: an email address, a name, a code."""
    rest = whole = _letters_and_digits(password.lower())
    for piece in sorted(_pieces(known), key=len, reverse=True):
        rest = rest.replace(piece, "")
    return rest != whole and len(rest) < LEAST_BESIDE


def _pieces(known: Iterable[str]) -> set[str]:
    """A whole and each of its parts."""
    texts = [text.lower() for text in (*OURS, *known)]
    parts = (part for text in texts for part in (text, *re.split(r"[\W_]+", text)))
    return {piece for piece in map(_letters_and_digits, parts) if len(piece) > 2}


def _undressed(plain: str) -> Iterator[str]:
    for text in (plain, _letters_and_digits(plain)):
        for bare in (text, text.rstrip("0123456789!?.,*#-_ "), re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)):
            yield bare
            yield bare.translate(DISGUISES)


def _said_once(text: str) -> str:
    """The shortest text that makes this one when it is repeated, be it cut off at the end."""
    return next((text[:size] for size in range(1, len(text) // 2 + 1) if text[size:] == text[:-size]), text)


def _runs_along_keys(text: str) -> bool:
    return len(text) > 3 and any(text in row * 2 or text[::-1] in row * 2 for row in KEYBOARD)


def _letters_and_digits(text: str) -> str:
    return "".join(symbol for symbol in text if symbol.isalnum())


@cache
def _listed() -> frozenset[str]:
    """Read when the first password is set: most processes set none."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
