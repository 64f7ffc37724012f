"""The digest of the morning: one for each clinician with whom something waits, however long everything was down."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from server.errors import MailRefused
from server.extensions import db
from server.jobs import delivering, escalating
from server.models import Member, Role
from server.services import alerts, identities, member_mails, rota
from server.services.care_teams import replace_care_team
from server.trends import Severity
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import Actors, make_member
from tests.services.test_alerts import tell
from tests.services.test_escalation import pass_on, told

DIGESTS = (
    "SELECT name, urgent, prompt, routine, state FROM member_mail JOIN member ON member.id = member_id ORDER BY day"
)
# 07:30 in New York on the days after MONDAY.
MORNINGS = [datetime(2026, 5, day, 11, 30, tzinfo=UTC) for day in (5, 6, 7, 8)]


@pytest.fixture(autouse=True)
def _nothing_elsewhere(actors: Actors) -> None:
    """The other clinic's digest is due another day."""
    change("UPDATE routing SET digest_due_at = '2100-01-01Z' WHERE clinic_id = :id", id=actors.elsewhere.id)


@pytest.fixture
def dan(actors: Actors, clock: Clock) -> Member:
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    db.session.commit()
    return dan


def write(clock: Clock) -> int:
    """What a tick and a worker do; returns how many jobs the tick queued."""
    enqueued = escalating.enqueue_digests(clock())
    db.session.commit()
    for (clinic_id,) in rows("SELECT args->>'clinic_id' FROM procrastinate_jobs WHERE task_name = 'digest'"):
        escalating.digest(clinic_id)
    change("DELETE FROM procrastinate_jobs WHERE task_name = 'digest'")
    return enqueued


def send() -> None:
    for clinic_id, mail_id in rows("SELECT clinic_id::text, id::text FROM member_mail WHERE state = 'queued'"):
        delivering.deliver_to_member(clinic_id, mail_id)


def test_it_counts_what_nobody_acknowledged(
    actors: Actors, dan: Member, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    tell(actors, clock, (0, Severity.ROUTINE), rule="off_track")
    tell(actors, clock, (0, Severity.PROMPT), rule="mood_very_low")
    change("UPDATE alert SET escalate_at = NULL")
    clock.at = MORNINGS[0].replace(minute=29)
    assert (write(clock), rows(DIGESTS)) == (0, [])
    clock.at = MORNINGS[0]
    assert write(clock) == 1
    assert rows(DIGESTS) == [("Bob", 0, 1, 2, "queued")]
    send()
    assert [(mail["To"], mail["Auto-Submitted"]) for mail in outbox] == [("bob@clinic.example", "auto-generated")]
    # What it told of, it told of: the record of each alert says when.
    waited = "SELECT state, sent_at FROM alert_email WHERE digest_id IS NOT NULL"
    assert rows(waited) == [("sent", clock())] * 2
    assert write(clock) == 0
    due = "SELECT digest_due_at FROM routing WHERE clinic_id = :id"
    assert one(due, id=actors.clinic.id) == MORNINGS[1]


def test_where_nothing_waits_nobody_is_mailed(actors: Actors, clock: Clock) -> None:
    clock.at = MORNINGS[0]
    assert (write(clock), rows(DIGESTS)) == (1, [])


def test_what_somebody_has_waits_no_more(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    alerts.acknowledge(identities.of_member(actors.bob), one("SELECT id FROM alert"), clock())
    db.session.commit()
    clock.at = MORNINGS[0]
    write(clock)
    assert rows(DIGESTS) == []
    assert rows("SELECT state, withheld_why FROM alert_email") == [("withheld", "acknowledged")]


def test_three_days_down_are_one_digest(actors: Actors, clock: Clock, outbox: list[EmailMessage]) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    clock.at = MORNINGS[3]
    assert (write(clock), write(clock)) == (1, 0)
    send()
    assert len(outbox) == 1


def test_three_days_without_a_mail_server_are_one_digest(
    actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    change("UPDATE alert SET escalate_at = NULL")
    for morning in MORNINGS:
        clock.at = morning
        write(clock)
    assert [state for *_, state in rows(DIGESTS)] == ["withheld"] * 3 + ["queued"]
    send()
    assert len(outbox) == 1
    assert rows("SELECT state FROM alert_email") == [("sent",)]


def test_a_digest_whose_sender_died_gives_way_to_the_next(
    actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    clock.at = MORNINGS[0]
    write(clock)
    claim = member_mails.claim(one("SELECT id FROM member_mail"), clock())
    db.session.commit()
    assert claim is not None
    clock.at = MORNINGS[3]
    write(clock)
    # As far as anybody knows it is still being sent.
    assert [state for *_, state in rows(DIGESTS)] == ["queued", "queued"]
    change("UPDATE member_mail SET claimed_until = now() - interval '1 second' WHERE claim IS NOT NULL")
    change("UPDATE routing SET digest_due_at = :at WHERE digest_due_at < '2100-01-01Z'", at=clock())
    write(clock)
    assert [state for *_, state in rows(DIGESTS)] == ["withheld", "queued"]
    send()
    assert len(outbox) == 1
    # It was only frozen: what it thinks counts no more.
    assert member_mails.record_sent(claim, clock()) is False
    assert [state for *_, state in rows(DIGESTS)] == ["withheld", "sent"]


def test_a_digest_that_waits_for_days_does_not_go_just_before_the_next(
    actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    clock.at = MORNINGS[0]
    write(clock)
    clock.at = MORNINGS[3]
    # All come back at once, and who delivers is the first.
    send()
    assert outbox == []
    write(clock)
    send()
    assert len(outbox) == 1
    assert rows("SELECT state FROM alert_email") == [("sent",)]


def test_the_deputy_hears_of_what_waits_for_who_is_away(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    eva = make_member(actors.clinic, Role.CLINICIAN, "Eva", clock())
    bob = identities.of_member(actors.bob)
    day = MORNINGS[0].date()
    rota.add_absence(bob, actors.bob.id, day, day, eva.id, clock())
    db.session.commit()
    clock.at = MORNINGS[0]
    write(clock)
    assert rows(DIGESTS) == [("Eva", 0, 0, 1, "queued")]
    # And may see it.
    assert [alert.severity for alert in alerts.list_alerts(identities.of_member(eva))] == ["routine"]


def test_a_digest_that_cannot_be_delivered_passes_its_alerts_on(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    clock.at = MORNINGS[0]
    write(clock)
    claim = member_mails.claim(one("SELECT id FROM member_mail"), clock())
    db.session.commit()
    assert claim is not None
    member_mails.record_refusal(claim, MailRefused("SMTP 550", lasting=True), clock())
    db.session.commit()
    assert rows("SELECT state FROM alert_email") == [("undeliverable",)]
    assert (pass_on(clock), told()) == (1, ["Bob", "Dan"])


def test_a_lost_job_is_put_on_the_queue_again_and_one_that_waits_is_not(actors: Actors, clock: Clock) -> None:
    clock.at = MORNINGS[0]
    assert escalating.enqueue_digests(clock()) == 1
    db.session.commit()
    for _ in range(3):
        # No worker is there, and the scheduler ticks on.
        assert escalating.enqueue_digests(clock()) == 0
        clock.pass_by(minutes=3)
        db.session.rollback()
    change("DELETE FROM procrastinate_jobs")
    assert escalating.enqueue_digests(clock()) == 1


def test_a_replay_has_no_digest(actors: Actors, clock: Clock) -> None:
    actors.clinic.live = False
    db.session.commit()
    tell(actors, clock, (0, Severity.ROUTINE))
    clock.at = MORNINGS[0]
    before = digest()
    assert escalating.enqueue_digests(clock()) == 0
    assert digest() == before
