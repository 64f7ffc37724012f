"""psycopg's cursor, without an object for each column of each answer, which nobody looks at; and answers in binary."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from psycopg import Column, Cursor
from psycopg.pq import Format
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExecutionContext

# The execution option of a statement whose answer is long and of bytes: as text each would come as two letters.
BINARY = "interlude_binary"


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

    def described(self) -> list[Column] | None:
        return super().description


def answer_in_binary(engine: Engine) -> None:
    """Whoever asks with the option BINARY; SQLAlchemy itself has none for it."""

    @event.listens_for(engine, "do_execute")
    def as_asked(cursor: Cursor[Any], _statement: str, _values: Any, context: ExecutionContext) -> None:
        if BINARY in context.execution_options:
            cursor.format = Format.BINARY
