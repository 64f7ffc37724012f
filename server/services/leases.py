"""Sending what waits to be sent: one sender at a time, by a lease of the database's clock, and a fence at its end."""

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from server.extensions import db
from server.models import AlertEmail, EmailState, MemberMail, WebhookCall
from server.queue import waiting_for
from server.services.lost import is_lost

# Longer than one send can take (each conversation has a deadline), so a lease that ran out
# belongs to a sender that died or froze.
LEASE = timedelta(minutes=5)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)

Row = TypeVar("Row", AlertEmail, MemberMail, WebhookCall)


def hold(model: type[Row], row_id: uuid.UUID) -> Row | None:
    """The row, locked; None when it is sent, not to be sent, or somebody else's.

    Whoever put the job on the queue knew that it was due; the clock of this machine has no say in that.
    """
    return db.session.scalar(
        select(model)
        .where(
            model.id == row_id,
            model.state == EmailState.QUEUED,
            is_free(model),
        )
        .with_for_update(of=model, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def is_free(model: type[Row]) -> ColumnElement[bool]:
    """True in SQL where nobody sends it, or who did has not been heard of since."""
    return or_(model.claimed_until.is_(None), model.claimed_until < func.now())


def lease(row: Row) -> uuid.UUID:
    """Makes it ours to send until the lease runs out; the token tells us from whoever had it before."""
    model, token = type(row), uuid.uuid4()
    db.session.execute(
        update(model)
        .where(model.id == row.id)
        .values(claim=token, claimed_until=func.now() + LEASE, attempts=model.attempts + 1)
    )
    return token


def withhold(row: Row) -> None:
    """It is not to be sent."""
    row.state, row.claim, row.claimed_until = EmailState.WITHHELD, None, None


def finish(model: type[Row], row_id: uuid.UUID, token: uuid.UUID, **values: Any) -> bool:
    """Writes what became of it; False, and nothing, when the lease had passed to another sender."""
    written = db.session.scalar(
        update(model)
        .where(model.id == row_id, model.claim == token)
        .values(claim=None, claimed_until=None, **values)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return written is not None


def put_off(
    model: type[Row], row_id: uuid.UUID, token: uuid.UUID, why: str, now: datetime, *, lasting: bool, after: int = 0
) -> bool:
    """It was not taken: `lasting` ends it, else it is tried again, later each time and after so many seconds at least.

    False when the lease had passed to another sender.
    """
    attempts = db.session.scalar(select(model.attempts).where(model.id == row_id)) or 1
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), LONGEST_PAUSE)
    # Half of it is chance, so that a server that comes back is not met by everything at once.
    pause = pause / 2 + pause / 2 * random.random()  # noqa: S311  # nosec B311  # chance, not a secret
    state = EmailState.UNDELIVERABLE if lasting else EmailState.QUEUED
    due_at = now + max(pause, timedelta(seconds=after))
    # By one clock, whatever that of whoever queued it said: it is queued again because this is before that.
    return finish(model, row_id, token, state=state, due_at=due_at, queued_at=now, last_error=why)


def claim_due(model: type[Row], job: str, arg: str, now: datetime) -> Sequence[uuid.UUID]:
    """Marks the clinic's rows whose time to try again has come, or whose job was lost, and returns them."""
    due = (
        select(model.id)
        .where(
            model.state == EmailState.QUEUED,
            model.due_at <= now,
            is_free(model),
            or_(
                # Its time to try again has come,
                model.queued_at < model.due_at,
                # or its sender died and no other job waits, or its job is nowhere.
                and_(model.claimed_until.is_not(None), ~waiting_for(job, arg, model.id)),
                is_lost(model.queued_at, now, job, arg, model.id),
            ),
        )
        .with_for_update(skip_locked=True)
    )
    return db.session.scalars(
        update(model)
        .where(model.id.in_(due))
        .values(queued_at=now)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    ).all()
