"""The job queue (procrastinate, in the same PostgreSQL), joined to the caller's transaction."""

from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from sqlalchemy.orm import Session, scoped_session

# Jobs that a person waits for overtake the others.
URGENT, NORMAL = 10, 0

# Tasks are declared on this one; the worker opens it with the database that its settings name.
app = App(connector=PsycopgConnector())
# Never opened: it writes on the caller's own connection. (The opened one of a worker, whose tasks
# enqueue too, would take that synchronous connection for one of its asynchronous ones.)
_outgoing = App(connector=SyncPsycopgConnector())


def enqueue(name: str, session: Session | scoped_session[Any], *, priority: int = NORMAL, **args: Any) -> None:
    """Adds a job that exists if, and only if, the session's transaction commits."""
    connection = session.connection().connection.driver_connection
    _outgoing.configure_task(name, priority=priority, connection=connection).defer(**args)


def conninfo(database_url: str) -> str:
    """SQLAlchemy's URL as libpq wants it."""
    return database_url.replace("postgresql+psycopg://", "postgresql://", 1)
