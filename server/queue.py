"""The job queue (procrastinate, in the same PostgreSQL), joined to the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    Text,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    select,
    table,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.orm import Session, scoped_session

# Jobs that a person waits for overtake the others. Behind them all comes what tells that they are done; and last, what
# comes by the ten thousand of an evening and harms nobody when it is late.
URGENT, NORMAL, BEHIND, LAST = 10, 0, -5, -10

# Tasks are declared on this one; the worker opens it with the database that its settings name.
app = App(connector=PsycopgConnector())
# Never opened: it writes on the caller's own connection. (The opened one of a worker, whose tasks
# enqueue too, would take that synchronous connection for one of its asynchronous ones.)
_outgoing = App(connector=SyncPsycopgConnector())


def enqueue(name: str, session: Session | scoped_session[Any], *, priority: int = NORMAL, **args: Any) -> None:
    """Adds a job that exists if, and only if, the session's transaction commits."""
    enqueue_all(name, session, [args], priority=priority)


def enqueue_all(
    name: str, session: Session | scoped_session[Any], jobs: Sequence[dict[str, Any]], *, priority: int = NORMAL
) -> None:
    """The same for many jobs, in one statement: each is its arguments."""
    if jobs:
        connection = session.connection().connection.driver_connection
        _outgoing.configure_task(name, priority=priority, connection=connection).batch_defer(*jobs)


_jobs = table("procrastinate_jobs", column("task_name"), column("status"), column("args", JSONB))


def waiting_for(name: str, arg: str, value: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """True in SQL where a job of this name, with this value as (or in) its argument, is still to be taken.

    What waits is gathered once for all values: looked for in each job's list, a caseload that waits would take minutes.
    """
    given = _jobs.c.args[arg]
    listed = case((func.jsonb_typeof(given) == "array", given), else_=func.jsonb_build_array(given))
    each = func.jsonb_array_elements_text(listed).table_valued("value").render_derived().lateral()
    waiting = select(each.c.value).select_from(_jobs.join(each, true()))
    waiting = waiting.where(_jobs.c.task_name == name, cast(_jobs.c.status, Text) == "todo", each.c.value.is_not(None))
    return cast(value, Text).in_(waiting)


def is_waiting(name: str, session: Session | scoped_session[Any]) -> bool:
    """Whether any job of this name is still to be taken."""
    found = exists().where(_jobs.c.task_name == name, cast(_jobs.c.status, Text) == "todo")
    return bool(session.scalar(select(found)))


def forget(arg: str, value: str, session: Session | scoped_session[Any]) -> None:
    """Takes a value out of the list that jobs have as this argument: of those that wait, run or are done."""
    listed = _jobs.c.args[arg]
    without = func.jsonb_set(_jobs.c.args, array([arg]), listed.op("-", return_type=JSONB())(cast(value, Text)))
    session.execute(update(_jobs).where(listed.op("?")(value)).values(args=without))


def count_jobs(session: Session | scoped_session[Any]) -> dict[tuple[str, str], int]:
    """By name and state; what is done is not on the queue any more."""
    status = cast(_jobs.c.status, Text)
    found = session.execute(select(_jobs.c.task_name, status, func.count()).group_by(_jobs.c.task_name, status))
    return {(name, state): count for name, state, count in found}


def empty(session: Session | scoped_session[Any]) -> None:
    """Takes every job off the queue, and with it whoever did them. What is due stands in the tables."""
    session.execute(delete(_jobs))
    session.execute(delete(table("procrastinate_workers")))
