"""One tick of one job. Any number of schedulers may tick: the row (job, period) lets one of them run it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from server.extensions import db
from server.jobs.table import Job
from server.models import JobRun

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def tick(job: Job, every: timedelta, at: datetime) -> int | None:
    """Runs `job` for the period that holds `at` and commits; None when another scheduler had it."""
    period = EPOCH + (at - EPOCH) // every * every
    won = db.session.scalar(
        insert(JobRun)
        .values(job=job.name, period=period, started_at=at, enqueued=0)
        .on_conflict_do_nothing()
        .returning(JobRun.period)
    )
    if won is None:
        db.session.rollback()
        return None
    enqueued = job.run(at)
    db.session.execute(update(JobRun).where(JobRun.job == job.name, JobRun.period == period).values(enqueued=enqueued))
    db.session.commit()
    return enqueued
