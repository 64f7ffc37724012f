"""The queue's own upkeep: jobs of workers that died run again, what is over for long goes."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, exists
from sqlalchemy.orm import aliased

from server.extensions import db
from server.models import JobRun
from server.queue import app as queue
from server.queue import enqueue, is_waiting
from server.scope import enter, every_clinic
from server.services import push_addresses, sign_ins, tallies, throttle
from server.services.chains import heads

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

KEEP_RUNS = timedelta(days=30)


def enqueue_stalled(at: datetime) -> int:  # noqa: ARG001  # leases are by the database's clock
    if is_waiting("retry_stalled", db.session):
        return 0
    enqueue("retry_stalled", db.session)
    return 1


@queue.task(name="retry_stalled")
async def retry_stalled() -> None:
    """Jobs whose worker stopped its heartbeat run again (all are safe to repeat); failed ones go after a month."""
    for job in await queue.job_manager.get_stalled_jobs():
        await queue.job_manager.retry_job(job)
    await queue.job_manager.delete_old_jobs(nb_hours=KEEP_RUNS // timedelta(hours=1), include_failed=True)


def forget_attempts(at: datetime) -> int:
    throttle.forget_attempts(at)
    return 0


def sum_up_tallies(at: datetime) -> int:  # noqa: ARG001  # whenever
    tallies.sum_up()
    return 0


def forget_sign_ins(at: datetime) -> int:
    for clinic_id in every_clinic():
        enter(clinic_id)
        push_addresses.forget(at)
        sign_ins.forget(at)
    return 0


def tell_audit_heads(at: datetime) -> int:  # noqa: ARG001  # each head has its own
    """Into the log, which is kept elsewhere: what `flask verify-audit --head` takes."""
    for head in heads():
        log.info("audit head", head=str(head))
    return 0


def forget_old_runs(at: datetime) -> int:
    """The newest run of each job stays, however old: it tells how long we were down."""
    later = aliased(JobRun)
    has_later = exists().where(later.job == JobRun.job, later.period > JobRun.period)
    db.session.execute(
        delete(JobRun).where(JobRun.period < at - KEEP_RUNS, has_later).execution_options(synchronize_session=False)
    )
    return 0
