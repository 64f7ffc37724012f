"""Rows as PostgreSQL's binary COPY has them, straight to and from numpy: fixed widths, so a row is a record.

Source: PostgreSQL documentation, COPY, "Binary Format".
"""

from collections.abc import Iterator

import numpy as np
import psycopg
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
CHUNK = 1 << 16  # rows decoded at once: memory stays small, and numpy's cost per call does not show


def record(*columns: tuple[str, str]) -> np.dtype[np.void]:
    """The layout of a row with these columns (name, numpy type, big-endian), none of them NULL."""
    fields = [("columns", ">i2")]
    for name, kind in columns:
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(fields)


def read(connection: psycopg.Connection, query: str, kind: np.dtype[np.void]) -> Iterator[NDArray[np.void]]:
    """What `query` gives, in chunks."""
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
        held, size = [], -len(HEADER)
        for part in copy:
            held.append(bytes(part))  # thousands of live views would keep the garbage collector busy
            size += len(part)
            if size >= CHUNK * kind.itemsize:
                whole = b"".join(held)
                start = len(whole) - size
                end = start + size // kind.itemsize * kind.itemsize
                yield np.frombuffer(whole[start:end], kind)
                held, size = [whole[end:]], len(whole) - end
        whole = b"".join(held)
        yield np.frombuffer(whole[len(whole) - size : len(whole) - len(TRAILER)], kind)


def write(connection: psycopg.Connection, target: str, chunks: Iterator[NDArray[np.void]]) -> None:
    """Rows into `target` (a table with its columns); lengths and counts are filled in here."""
    with connection.cursor().copy(f"COPY {target} FROM STDIN (FORMAT binary)") as copy:
        copy.write(HEADER)
        for rows in chunks:
            names = [name for name in rows.dtype.names or () if not name.endswith("_length") and name != "columns"]
            rows["columns"] = len(names)
            for name in names:
                rows[f"{name}_length"] = rows.dtype[name].itemsize
            copy.write(rows.tobytes())
        copy.write(TRAILER)


def drain(connection: psycopg.Connection, query: str) -> int:
    """Reads all that `query` gives and looks at none of it; returns how many bytes it was."""
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
        return sum(len(part) for part in copy)
