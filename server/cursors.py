"""psycopg's cursor, without an object for each column of each answer, which nobody looks at."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from psycopg import Column, Cursor


class Columns(Sequence[Column]):
    """What a cursor says of its columns, made when somebody looks: SQLAlchemy does at a statement's first use alone."""

    def __init__(self, cursor: "LazyCursor") -> None:
        self._cursor = cursor

    def __len__(self) -> int:
        return len(self._made())

    def __iter__(self) -> Iterator[Column]:
        return iter(self._made())

    @overload
    def __getitem__(self, at: int) -> Column: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Column]: ...
    def __getitem__(self, at: int | slice) -> Column | Sequence[Column]:
        return self._made()[at]

    def _made(self) -> list[Column]:
        return self._cursor.described() or []


class LazyCursor(Cursor[Any]):
    @property
    def description(self) -> Columns | None:  # type: ignore[override]  # DB-API says a sequence
        return Columns(self) if self.pgresult is not None and self.pgresult.nfields else None

    def forget(self) -> None:
        """Nothing of the answer stays in memory while the cursor waits to be asked again."""
        self._reset()
        self._tx.set_pgresult(None)

    def described(self) -> list[Column] | None:
        return super().description
