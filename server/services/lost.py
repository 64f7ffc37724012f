"""Jobs that were lost: the queue may lose one, we may not."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, between

from server.queue import waiting_for

# A job that is neither done nor waiting after this long was lost.
LOST = timedelta(minutes=2)
# What failed is put off by half an hour at most; noted as queued further ahead than this, a clock was wrong.
AHEAD = timedelta(minutes=45)


def is_lost(
    queued_at: SQLColumnExpression[Any], now: datetime, job: str, arg: str, value: SQLColumnExpression[Any]
) -> ColumnElement[bool]:
    """In SQL, of what was queued then: its job, with this value as (or in) its argument, is nowhere."""
    return and_(~between(queued_at, now - LOST, now + AHEAD), ~waiting_for(job, arg, value))
