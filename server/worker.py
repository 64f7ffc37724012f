"""`python -m server.worker`: takes jobs off the queue. Run as many as you like, anywhere."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask
from procrastinate import PsycopgConnector

import server.jobs  # noqa: F401  # declares the tasks
from server.app import create_app
from server.clock import utcnow
from server.logs import configure_logging
from server.queue import app as queue
from server.queue import conninfo

log = logging.getLogger(__name__)


def within(app: Flask) -> Callable[..., Any]:
    """Gives each task, in its thread, an app context and so a database session of its own."""

    def run_task(call_next: Callable[[], Any], *_: object) -> Any:
        with app.app_context():
            return call_next()

    return run_task


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


def main(now: Callable[[], datetime] = utcnow) -> None:
    configure_logging()
    app = create_app(now=now)
    log.info("the worker waits for jobs")
    asyncio.run(work(app, app.extensions["interlude"].settings.worker_concurrency))


if __name__ == "__main__":
    main()
