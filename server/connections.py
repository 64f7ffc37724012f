"""Whether a pooled connection still stands: asked of its socket, and of the server only when there is a reason."""

import select
import time

from psycopg import Connection
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# A network may drop what was idle for long without a word to either end.
LONG_IDLE_SECONDS = 30.0
_RETURNED = "interlude_returned"


def watch_connections(engine: Engine) -> None:
    """In place of a question to the server before every use, which costs a trip each time."""

    @event.listens_for(engine, "checkin")
    def note(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_RETURNED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        returned = entry.info.get(_RETURNED)
        if returned is None:  # it is new
            return
        if time.monotonic() - returned < LONG_IDLE_SECONDS and not _was_told_something(connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool makes a new one; what else was made before now is looked at anew, too.
            raise InvalidatePoolError from error


def _was_told_something(connection: DBAPIConnection) -> bool:
    """An idle connection has nothing to read: whatever there is, the end of it most likely, came from the server."""
    assert isinstance(connection, Connection)  # noqa: S101  # for the type checker  # nosec B101
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
