"""The zip of an export: what it is made of, each part as JSON and as CSV."""

import io
import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Self
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from server.services.spreadsheets import Sheet

# What is larger than this goes to a file that has no name.
IN_MEMORY = 8 * 1024 * 1024


class Archive:
    """A zip file as it grows; the same rows at the same time are the same bytes.

    After the `with` that it grew in, `file` is whole and stands at its beginning; whoever takes it closes it.
    """

    def __init__(self, now: datetime) -> None:
        self.file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # it is handed on
        self._zip = ZipFile(self.file, "w")
        self._at = (now.year, now.month, now.day, now.hour, now.minute, now.second)

    def add_text(self, name: str, text: str) -> None:
        with self._entry(name) as entry:
            entry.write(text.encode())

    def add_rows(self, name: str, names: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
        """As JSON, an object a line, and as CSV; the rows are gone through once."""
        with closing(SpooledTemporaryFile(IN_MEMORY)) as kept:
            # Only one file of a zip can be written at a time.
            text = io.TextIOWrapper(kept, encoding="utf-8", newline="", write_through=True)
            sheet = Sheet(text, names)
            with self._entry(f"{name}.json") as entry:
                before = "["
                for row in rows:
                    told = {said: plain(row[said]) for said in names}
                    sheet.add(told)
                    line = json.dumps(told, ensure_ascii=False, allow_nan=False)
                    entry.write(f"{before}\n{line}".encode())
                    before = ","
                entry.write(b"[]\n" if before == "[" else b"\n]\n")
            text.detach()
            kept.seek(0)
            with self._entry(f"{name}.csv") as entry:
                while piece := kept.read(io.DEFAULT_BUFFER_SIZE):
                    entry.write(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._zip.close()
        self.file.seek(0)
        if error is not None:
            self.file.close()

    def _entry(self, name: str) -> IO[bytes]:
        info = ZipInfo(name, self._at)
        info.compress_type = ZIP_DEFLATED
        return self._zip.open(info, "w", force_zip64=True)


def plain(value: Any) -> Any:
    """As JSON has it: an instant in RFC 3339, a rating as a number."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, list):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, UUID) else value
