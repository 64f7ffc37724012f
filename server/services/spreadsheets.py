"""CSV that a spreadsheet shows and never runs: a text that it would take for a formula begins with an apostrophe."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TextIO

# Cells that begin with = + - @ are formulas, also in their wide forms and behind what is not seen; one that begins with
# a tab or a carriage return may become one. Where other separators are set than ours, a cell falls into several.
UNSEEN = r"[\s\x00-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
FORMULA = re.compile(rf"(^|[;|\t]|\r\n?|\n)(?={UNSEEN}[=+\-@\uff0b\uff0d\uff1d\uff20])|^(?=[\t\r\n])")
# By this, a spreadsheet knows that what follows is UTF-8.
MARK = "\ufeff"


class Sheet:
    """A CSV file (RFC 4180) with a line of names on top."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        file.write(MARK)
        self._names = names
        self._writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        self._writer.writerow(names)

    def add(self, row: Mapping[str, Any]) -> None:
        """Of values as JSON has them."""
        self._writer.writerow([cell(row[name]) for name in self._names])


def cell(value: Any) -> str | int | float | Decimal:
    """A number stays one; anything else is text that is no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, Mapping):
        return harmless(json.dumps(value, ensure_ascii=False))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "; ".join(str(cell(one)) for one in value)
    return harmless(str(value))


def harmless(text: str) -> str:
    return FORMULA.sub(r"\1'", text)
