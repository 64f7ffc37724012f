"""Reading a JSON body strictly: whatever arrives, the answer is a value or a clear refusal, never a crash.

The stock loader gives a 500 on very deep JSON, 5,000-digit integers and lone surrogates, and lets
NaN, duplicate keys and UTF-16 through.
"""

import json
import math
import re
from typing import Any, NoReturn

LARGEST = 256 * 1024
DEEPEST = 32
LONGEST_NUMBER = 32
# A string that nobody closed goes to the end. What is taken is never given back, so no body takes long.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class NotJson(Exception):
    """Why the body is not JSON as RFC 8259 has it; never repeats what was sent."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.message, self.values = message, values


def parse(body: bytes) -> Any:
    """Raises NotJson."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson("The body is not UTF-8.") from error
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=_refuse_constant,
            parse_int=_parse_int,
            parse_float=_parse_float,
        )
        # A lone surrogate cannot be encoded: it would fail later, in the database or an answer.
        _walk(value)
    except json.JSONDecodeError as error:
        where = {"line": error.lineno, "column": error.colno}
        raise NotJson("The body is not JSON (line %(line)d, column %(column)d).", **where) from error
    return value


def _check_depth(text: str) -> None:
    """Counts brackets outside strings before the parser, which recurses, sees them."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                raise NotJson("The body is nested more than %(deepest)d deep.", deepest=DEEPEST)
        elif found[0] in "]}":
            depth -= 1


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("The body names a field twice.")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise NotJson("NaN and Infinity are not JSON.")


def _parse_int(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise NotJson("The body has a number that is too long.")
    return int(digits)


def _parse_float(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER or not math.isfinite(value := float(digits)):
        raise NotJson("The body has a number that is too long or too large.")
    return value


def _walk(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise NotJson("The body has a lone surrogate.") from error
    elif isinstance(value, dict):
        for key, inner in value.items():
            _walk(key)
            _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner)
