"""Mail a member the link to a new password."""

from datetime import datetime

import structlog
from procrastinate import RetryStrategy

from server.errors import MailRefused
from server.extensions import db, now, parts
from server.mail import compose_reset
from server.queue import app as queue
from server.services import password_resets

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# 4, 16, 64, 256 and 1024 seconds later: within the time for which asking is good.
RETRY = RetryStrategy(max_attempts=6, exponential_wait=4, retry_exceptions={MailRefused})


@queue.task(name="mail_reset", retry=RETRY)
def mail_reset(email_index: str, asked_at: str) -> None:
    """Make a link, send it, record it: no transaction is open while the mail server makes us wait.

    Each attempt makes a link of its own, for only a hash is kept: the newest mail's works.
    """
    link = password_resets.make_link(bytes.fromhex(email_index), datetime.fromisoformat(asked_at), now())
    db.session.commit()
    if link is None:
        return
    settings = parts().settings
    try:
        parts().send(compose_reset(link.mail, sender=settings.mail_from, base_url=settings.base_url))
    except MailRefused as refusal:
        log.warning("a link to a new password was not sent", refusal=refusal.detail)
        if not refusal.lasting:
            raise
        return
    password_resets.record_sent(link, now())
    db.session.commit()
