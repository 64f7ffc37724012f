"""`python -m server.scheduler`: says what is due, and never does the work.

APScheduler only keeps the beat, in UTC and in memory. What is due, and who of several schedulers
enqueues it, the database decides.
"""

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask

from server.assembly import assemble, require_keys
from server.clock import utcnow
from server.jobs import JOBS, Job, tick
from server.logs import described
from server.services.machine_clock import require_right_clock

log: structlog.stdlib.BoundLogger = structlog.get_logger("server.scheduler")  # __name__ is __main__ here

# Each holds a connection, and keeps it: ten schedulers must leave the workers theirs. One slow tick stops no other.
TICKS_AT_ONCE = 2


def build(app: Flask, every: timedelta, now: Callable[[], datetime]) -> BlockingScheduler:
    """A scheduler with exactly the job table."""
    # A late tick is still worth having (the database knows what is due), and one makes up for many.
    scheduler = BlockingScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(TICKS_AT_ONCE)},
        job_defaults={"coalesce": True, "misfire_grace_time": 3600, "max_instances": 1},
    )
    for job in JOBS:
        period = job.every or every
        scheduler.add_job(
            run_tick,
            IntervalTrigger(seconds=int(min(period, timedelta(minutes=10)).total_seconds()), timezone=UTC),
            args=(app, job, period, now),
            id=job.name,
            next_run_time=utcnow(),
        )
    return scheduler


def run_tick(app: Flask, job: Job, every: timedelta, now: Callable[[], datetime]) -> None:
    with app.app_context():
        try:
            require_right_clock()
            enqueued = tick(job, every, now())
        except Exception as error:  # noqa: BLE001  # the next tick tries again; the database may be away
            log.error("a tick failed", job=job.name, error=described(error))
            return
    if enqueued:
        log.info("enqueued", job=job.name, enqueued=enqueued)


def main(now: Callable[[], datetime] = utcnow) -> None:
    app = assemble(now=now)
    require_keys(app)
    scheduler = build(app, app.extensions["interlude"].settings.tick, now)
    signal.signal(signal.SIGTERM, lambda *_: scheduler.shutdown(wait=False))
    signal.signal(signal.SIGINT, lambda *_: scheduler.shutdown(wait=False))
    log.info("the scheduler ticks")
    scheduler.start()


if __name__ == "__main__":
    main()
