"""The dead-man's ping: somebody outside hears each minute that all is well, and raises the alarm when it stops.

So nothing here has to work for the alarm to be raised: not the scheduler, nor a worker, the database or the network.
"""

from datetime import datetime

import structlog

from server.errors import Unanswered
from server.extensions import db, now, parts
from server.posting import post
from server.queue import BEHIND, enqueue, is_waiting
from server.queue import app as queue
from server.services.health import health

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def enqueue_ping(at: datetime) -> int:
    """Behind the assessments and the mails: workers that do not get round to it are as bad as none."""
    if not parts().settings.deadman_url or _is_late(at) or is_waiting("ping_deadman", db.session):
        return 0
    enqueue("ping_deadman", db.session, priority=BEHIND)
    return 1


@queue.task(name="ping_deadman")
def ping_deadman() -> None:
    """Once and not again: the next minute has a ping of its own. Something may have become late since it was queued."""
    url = parts().settings.deadman_url
    late = not url or _is_late(now())
    # No transaction is open while somebody else makes us wait.
    db.session.rollback()
    if late:
        return
    try:
        answer = post(url, b"", {})
    except Unanswered as failed:
        log.warning("the dead-man's ping was not answered", refusal=failed.detail)
        return
    if not answer.taken:
        log.warning("the dead-man's ping was refused", refusal=f"HTTP {answer.status}")


def _is_late(at: datetime) -> bool:
    late = health(at).late()
    if late:
        log.warning("no dead-man's ping, for something is late", late=late)
    return bool(late)
