"""R8: a machine whose clock was wrong, by an hour or a year, leaves nothing behind that is never taken up again."""

import uuid
from datetime import timedelta

import pytest

from server.errors import MailRefused
from server.extensions import db
from server.jobs import assessing, delivering, escalating, reminding
from server.services import delivery
from tests.conftest import Clock
from tests.database import change, one
from tests.factories import Actors

OFF = [timedelta(hours=1), timedelta(hours=-1), timedelta(days=365), timedelta(days=-365)]
wrong = pytest.mark.parametrize("off", OFF, ids=str)


@wrong
def test_what_a_scheduler_queued_is_tried_again_when_its_time_has_come(
    email_id: uuid.UUID, clock: Clock, off: timedelta
) -> None:
    change("UPDATE alert_email SET queued_at = :at", at=clock() + off)
    claim = delivery.claim(email_id, clock())
    assert claim is not None
    delivery.record_refusal(claim, MailRefused("SMTP 450", lasting=False), clock())
    db.session.commit()
    change("DELETE FROM procrastinate_jobs")
    clock.at = one("SELECT due_at FROM alert_email")
    assert delivering.enqueue_due(clock()) == 1


@wrong
def test_a_mail_whose_job_was_lost_gets_another(email_id: uuid.UUID, clock: Clock, off: timedelta) -> None:
    change("UPDATE alert_email SET queued_at = :at", at=clock() + off)
    change("DELETE FROM procrastinate_jobs")
    assert delivering.enqueue_due(clock()) == 1


@wrong
def test_so_does_an_assessment_a_reminder_an_escalation_and_a_digest(
    email_id: uuid.UUID, actors: Actors, clock: Clock, off: timedelta
) -> None:
    change("UPDATE watch SET due_at = :now, queued_at = :at", now=clock(), at=clock() + off)
    change(
        "UPDATE patient SET reminder_time = '20:00', remind_due_at = :now, remind_queued_at = :at",
        now=clock(),
        at=clock() + off,
    )
    change("UPDATE alert SET escalate_at = :now, escalate_queued_at = :at", now=clock(), at=clock() + off)
    change(
        "UPDATE routing SET digest_due_at = :now, digest_queued_at = :at WHERE clinic_id = :clinic",
        now=clock(), at=clock() + off, clinic=actors.clinic.id,
    )  # fmt: skip
    change("UPDATE routing SET digest_due_at = '2100-01-01Z' WHERE clinic_id = :id", id=actors.elsewhere.id)
    for enqueue in (
        *(assessing.enqueue_due, reminding.enqueue_due),
        *(escalating.enqueue_escalations, escalating.enqueue_digests),
    ):
        assert enqueue(clock()) == 1
        db.session.commit()
        assert enqueue(clock()) == 0
        db.session.rollback()
