"""`python -m server.worker`: takes jobs off the queue. Run as many as you like, anywhere."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from flask import Flask
from procrastinate import JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg import Error as PsycopgError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import OperationalError
from structlog.contextvars import bound_contextvars

import server.jobs.pushing  # noqa: F401  # declares the tasks, with server.jobs itself
from server.assembly import assemble, require_keys
from server.clock import utcnow
from server.errors import WrongClock
from server.extensions import db
from server.libpq import conninfo
from server.logs import described
from server.queue import app as queue
from server.services.machine_clock import require_right_clock

log: structlog.stdlib.BoundLogger = structlog.get_logger("server.worker")  # __name__ is __main__ here

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


def within(app: Flask) -> Callable[..., Any]:
    """Gives each task, in its thread, an app context and so a database session of its own.

    By a wrong clock none is done: it waits. What it is for is found due meanwhile, and taken up by another.
    """

    def run_task(call_next: Callable[[], Any], context: JobContext, _: object) -> Any:
        with bound_contextvars(job=context.job.task_name, job_id=context.job.id), app.app_context():
            _wait_for_right_clock(context)
            return call_next()

    return run_task


def _wait_for_right_clock(context: JobContext) -> None:
    said = False
    while True:
        try:
            require_right_clock()
        except WrongClock as error:
            db.session.rollback()
            if not said:
                log.error("no job is done", error=described(error))
                said = True
            if context.should_abort():
                raise
            time.sleep(FIRST_PAUSE)
        else:
            db.session.commit()  # a rollback would make the driver forget every prepared statement
            return


async def work(app: Flask, concurrency: int, *, wait: bool = True) -> None:
    """Until a signal; with wait=False, until the queue is empty."""
    settings = app.extensions["interlude"].settings
    connector = PsycopgConnector(conninfo=conninfo(settings.database_url), min_size=1, max_size=concurrency + 2)
    with queue.replace_connector(connector) as running:
        async with running.open_async():
            await running.run_worker_async(
                concurrency=concurrency,
                wait=wait,
                fetch_job_polling_interval=2.0,
                shutdown_graceful_timeout=10.0,
                delete_jobs="successful",
                install_signal_handlers=wait,
                task_middleware=[within(app)],
            )


async def _keep_working(app: Flask) -> None:
    """A database that is away for a while must not end the worker: nobody may be there to start it again."""
    pause = FIRST_PAUSE
    while True:
        began = time.monotonic()
        try:
            require_keys(app)
            with app.app_context():
                require_right_clock()
            log.info("the worker waits for jobs")
            await work(app, app.extensions["interlude"].settings.worker_concurrency)
        except (ConnectorException, PsycopgError, PoolTimeout, OperationalError) as error:
            pause = FIRST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            log.error("the queue cannot be reached", pause_seconds=pause, error=described(error))
            await asyncio.sleep(pause)
        except WrongClock as error:
            log.error("no job is taken", pause_seconds=LONGEST_PAUSE, error=described(error))
            await asyncio.sleep(LONGEST_PAUSE)
        else:
            return


def main(now: Callable[[], datetime] = utcnow) -> None:
    app = assemble(now=now)
    asyncio.run(_keep_working(app))


if __name__ == "__main__":
    main()
