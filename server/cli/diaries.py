"""Reading diaries: a CSV of person, day and any of craving, mood, used; a bad line is named and left out."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from server.schemas.check_ins import CheckInIn

NEEDED = ("person", "day")
ANSWERS = ("craving", "mood", "used")
LAST_DAY = 10_000
NO_TIME = {"recorded_at": "2020-01-01T20:00:00Z", "zone": "UTC", "form_version": "1"}


class DiaryError(Exception):
    """The file as a whole cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    line: int
    person: str
    day: int
    answers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    line: int
    reason: str


def read_diaries(path: Path, skip: Iterable[str] = ()) -> Iterator[Entry | BadLine]:
    """Each line in turn. Raises DiaryError for a file, a header or a column that cannot be used."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = _columns(next(reader, []), set(skip))
            yield from _entries(reader, columns)
    except (OSError, UnicodeDecodeError) as error:
        raise DiaryError(f"{path} cannot be read: {type(error).__name__}.") from error
    except csv.Error as error:
        raise DiaryError(f"{path} is not CSV: {error}.") from error


def _columns(header: list[str], skip: set[str]) -> list[str | None]:
    """The name of each column, None for those to skip."""
    names = [name.strip() for name in header]
    unknown = [name for name in names if name not in (*NEEDED, *ANSWERS) and name not in skip]
    if unknown:
        named = ", ".join(unknown)
        raise DiaryError(
            f"Unknown column: {named}. Known: {', '.join((*NEEDED, *ANSWERS))}; --skip NAME leaves one out."
        )
    kept = [name for name in names if name not in skip]
    missing = [name for name in NEEDED if name not in kept]
    if missing or len(set(kept)) != len(kept) or not set(kept) & {"craving", "mood"}:
        raise DiaryError("The first line must name person, day, and craving or mood, each once.")
    return [None if name in skip else name for name in names]


def _entries(reader: Iterator[list[str]], columns: list[str | None]) -> Iterator[Entry | BadLine]:
    seen: set[tuple[str, int]] = set()
    for line, cells in enumerate(reader, start=2):
        if not any(cells):
            continue
        if len(cells) != len(columns):
            yield BadLine(line, f"{len(cells)} cells, not {len(columns)}")
            continue
        try:
            entry = _entry(line, {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if name})
            if (entry.person, entry.day) in seen:
                raise ValueError("this person's day was given before")
            seen.add((entry.person, entry.day))
            yield entry
        except ValueError as error:
            yield BadLine(line, str(error))


def _entry(line: int, cells: dict[str, str]) -> Entry:
    """Raises ValueError with the reason, which never repeats an answer."""
    person, day = cells["person"], cells["day"]
    if not 0 < len(person) <= 64:
        raise ValueError("person: 1 to 64 characters")
    if not (day.isascii() and day.isdigit() and len(day) < 6 and int(day) <= LAST_DAY):
        raise ValueError(f"day: a whole number from 0 to {LAST_DAY}")
    answers: dict[str, Any] = {}
    for name in ("craving", "mood"):
        if cells.get(name):
            answers[name] = _number(name, cells[name])
    if cells.get("used"):
        answers["used"] = cells["used"]
    try:
        CheckInIn().load({**NO_TIME, **answers})
    except ValidationError as error:
        raise ValueError(_reason(error.messages_dict)) from error
    return Entry(line, person, int(day), answers)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{name}: not a number") from error


def _reason(messages: dict[str, Any]) -> str:
    name, said = next(iter(messages.items()))
    detail = said[0] if isinstance(said, list) else str(said)
    return detail if name == "_schema" else f"{name}: {detail}"
