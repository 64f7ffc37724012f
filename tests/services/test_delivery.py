"""Getting one email out: claimed by one, fenced against the frozen, retried, and sent only after the 250."""

import uuid
from datetime import timedelta

import pytest
from flask import Flask

from server.errors import MailRefused
from server.extensions import db, now
from server.jobs import delivering
from server.mail import smtp
from server.models import AlertEmail
from server.services import delivery, leases
from server.services.delivery import Claim
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import Actors

LASTING = MailRefused("SMTP 550", lasting=True)
PASSING = MailRefused("SMTP 421", lasting=False)


def claim(email_id: uuid.UUID) -> Claim | None:
    taken = delivery.claim(email_id, now())
    db.session.commit()
    return taken


def due(clock: Clock) -> list[uuid.UUID]:
    return list(leases.claim_due(AlertEmail, "deliver", "email_id", clock()))


def certainly(taken: Claim | None) -> Claim:
    assert taken is not None
    return taken


def expire_lease() -> None:
    """By the database's clock, which is the one that leases follow."""
    change("UPDATE alert_email SET claimed_until = now() - interval '1 second'")


def test_one_sender_has_it(email_id: uuid.UUID, clock: Clock) -> None:
    assert claim(email_id) is not None
    assert claim(email_id) is None
    assert claim(uuid.uuid4()) is None


def test_of_five_at_once_one_has_it(app: Flask, email_id: uuid.UUID, clock: Clock) -> None:
    taken = concurrently(app, *[lambda: claim(email_id)] * 5)
    assert sum(one is not None for one in taken) == 1
    assert one("SELECT attempts FROM alert_email") == 1


def test_what_is_sent_knows_no_patient(email_id: uuid.UUID, actors: Actors, clock: Clock) -> None:
    mail = certainly(claim(email_id)).mail
    assert (mail.to, mail.severity, str(mail.raised_at)) == (
        "bob@clinic.example", "prompt", "2026-05-04 16:00:00-04:00"
    )  # fmt: skip
    assert actors.ada.code not in str(mail)


def test_sent_is_sent(email_id: uuid.UUID, clock: Clock) -> None:
    taken = certainly(claim(email_id))
    clock.pass_by(seconds=3)
    assert delivery.record_sent(taken, clock())
    db.session.commit()
    assert rows("SELECT state, sent_at, claim, last_error FROM alert_email") == [("sent", clock(), None, None)]
    before = digest()
    assert claim(email_id) is None
    clock.pass_by(days=1)
    assert due(clock) == []
    db.session.commit()
    assert digest() == before


@pytest.mark.parametrize("thaws_before_the_end", [True, False])
def test_a_sender_whose_lease_passed_writes_nothing(
    email_id: uuid.UUID, clock: Clock, thaws_before_the_end: bool
) -> None:
    frozen = certainly(claim(email_id))
    expire_lease()
    other = certainly(claim(email_id))
    if not thaws_before_the_end:
        assert delivery.record_sent(other, clock())
        db.session.commit()
    before = digest()
    assert delivery.record_sent(frozen, clock()) is False
    for refusal in (LASTING, PASSING):
        delivery.record_refusal(frozen, refusal, clock())
    db.session.commit()
    assert digest() == before
    if thaws_before_the_end:
        assert delivery.record_sent(other, clock())


def test_a_lease_is_by_the_databases_clock_not_ours(email_id: uuid.UUID, clock: Clock) -> None:
    claim(email_id)
    clock.pass_by(days=365)
    assert claim(email_id) is None
    clock.pass_by(days=-730)
    assert claim(email_id) is None


def test_a_temporary_failure_is_tried_again_later_and_later(email_id: uuid.UUID, clock: Clock) -> None:
    longest = leases.FIRST_PAUSE
    for attempt in range(1, 12):
        taken = certainly(claim(email_id))
        delivery.record_refusal(taken, PASSING, clock())
        db.session.commit()
        ((state, attempts, due_at, error),) = rows("SELECT state, attempts, due_at, last_error FROM alert_email")
        assert (state, attempts, error) == ("queued", attempt, "SMTP 421")
        assert longest / 2 <= due_at - clock() <= longest
        longest = min(longest * 2, leases.LONGEST_PAUSE)
        assert due(clock) == []
        clock.at = due_at
        assert due(clock) == [email_id]
        db.session.commit()


def test_a_lasting_refusal_ends_it(email_id: uuid.UUID, clock: Clock) -> None:
    delivery.record_refusal(certainly(claim(email_id)), LASTING, clock())
    db.session.commit()
    assert rows("SELECT state, last_error FROM alert_email") == [("undeliverable", "SMTP 550")]
    clock.pass_by(days=1)
    assert due(clock) == []
    assert claim(email_id) is None


def lose_jobs() -> None:
    change("DELETE FROM procrastinate_jobs")


def test_an_email_whose_job_was_lost_gets_another(email_id: uuid.UUID, clock: Clock) -> None:
    clock.pass_by(hours=1)
    assert delivering.enqueue_due(clock()) == 0
    lose_jobs()
    assert delivering.enqueue_due(clock()) == 1
    db.session.commit()
    for _ in range(3):
        clock.pass_by(minutes=5)
        assert delivering.enqueue_due(clock()) == 0


def test_an_email_whose_sender_died_gets_another_job_and_one_alone(email_id: uuid.UUID, clock: Clock) -> None:
    claim(email_id)
    lose_jobs()
    clock.pass_by(minutes=11)
    assert delivering.enqueue_due(clock()) == 0
    db.session.rollback()
    expire_lease()
    assert delivering.enqueue_due(clock()) == 1
    db.session.commit()
    for _ in range(3):
        clock.pass_by(minutes=1)
        assert delivering.enqueue_due(clock()) == 0
    assert certainly(claim(email_id)).mail.email_id == email_id


def test_two_ticks_at_once_bring_it_back_once(app: Flask, email_id: uuid.UUID, clock: Clock) -> None:
    lose_jobs()
    clock.pass_by(minutes=11)

    def bring_back() -> int:
        found = delivering.enqueue_due(clock())
        db.session.commit()
        return found

    assert sum(concurrently(app, *[bring_back] * 4)) == 1


def test_whoever_left_the_team_is_not_mailed_any_more(email_id: uuid.UUID, actors: Actors, clock: Clock) -> None:
    actors.bob.active = False
    db.session.commit()
    assert claim(email_id) is None
    assert rows("SELECT state, withheld_why FROM alert_email") == [("withheld", "not_in_care_team")]
    clock.pass_by(days=1)
    assert delivering.enqueue_due(clock()) == 0


def test_the_lease_outlasts_a_send() -> None:
    """And what a resolver that does not answer adds to it."""
    assert timedelta(seconds=smtp.WHOLE_SECONDS + smtp.GOODBYE_SECONDS) <= leases.LEASE / 2
