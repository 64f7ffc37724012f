"""Statements of columns, past SQLAlchemy's own execution, which makes a dozen objects for each.

Each is compiled once, and each connection keeps a cursor for each: psycopg looks up anew how every type is written and
read, but for a cursor that is asked the same again.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

from psycopg.pq import Format
from sqlalchemy import ClauseElement, Executable
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from server.cursors import LazyCursor

# The execution option of a statement whose answer is long and of bytes: as text each would come as two letters.
BINARY = "interlude_binary"
_CURSORS = "interlude_cursors"
T = TypeVar("T")
Processor = Callable[[Any], Any]


class Question:
    """What SQLAlchemy makes of a statement, and of the types of its parameters and columns."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = cast(SQLCompiler, cast(ClauseElement, statement).compile(dialect=dialect))
        if compiled.post_compile_params or compiled.literal_execute_params or compiled.prefetch:
            raise TypeError("its text, or the default of a column, is made anew at each execution")
        self._text, self._dialect = compiled.string, dialect
        self._format = Format.BINARY if BINARY in statement.get_execution_options() else Format.TEXT
        binds = [(name, bind) for bind, name in compiled.bind_names.items()]
        self._own = {name: bind.effective_value for name, bind in binds if not bind.required}
        writers = ((name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in binds)
        self._writers = [(name, write) for name, write in writers if write]
        self._columns = list(getattr(statement, "exported_columns", ()))
        row = namedtuple("Row", [column.key for column in self._columns], rename=True)  # type: ignore[misc]  # they are found here
        self._row: Callable[[Iterable[Any]], Any] = row._make
        self._readers: list[tuple[int, Processor]] | None = None

    def ask(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The rows of the answer, by the names of its columns. Errors are SQLAlchemy's, as of any other statement."""
        return self._said(connection, values, self._read)

    def tell(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows it wrote."""
        return self._said(connection, values, lambda cursor: cursor.rowcount)

    def _said(self, connection: Connection, values: Mapping[str, Any], take: Callable[[LazyCursor], T]) -> T:
        cursors, written = connection.info.setdefault(_CURSORS, {}), self._written(values)
        try:
            cursor = cursors.get(self)
            if cursor is None:
                cursor = cursors[self] = cast(LazyCursor, connection.connection.cursor())
                cursor.format = self._format
            cursor.execute(self._text, written)
            taken = take(cursor)
            cursor.forget()
            return taken
        except BaseException as error:  # noqa: BLE001  # as SQLAlchemy has it
            # It raises, and knows whether the connection is still good.
            connection._handle_dbapi_exception(error, self._text, None, None, None)  # noqa: SLF001

    def _written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        written = {**self._own, **values}
        for name, write in self._writers:
            written[name] = write(written[name])
        return written

    def _read(self, cursor: LazyCursor) -> list[Any]:
        if cursor.description is None:
            return []
        if self._readers is None:
            kinds = [column.type.dialect_impl(self._dialect) for column in self._columns]
            found = (
                kind.result_processor(self._dialect, sent.type_code)
                for kind, sent in zip(kinds, cursor.description, strict=True)
            )
            self._readers = [(place, read) for place, read in enumerate(found) if read]
        rows = []
        for row in cursor.fetchall():
            values = list(row)
            for place, read in self._readers:
                values[place] = read(values[place])
            rows.append(self._row(values))
        return rows


@lru_cache(maxsize=512)
def question(statement: Executable, dialect: Dialect) -> Question:
    return Question(statement, dialect)
