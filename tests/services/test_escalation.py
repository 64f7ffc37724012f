"""What nobody acknowledges goes on: to the next person, to the clinic's own address, and it never just stops."""

import uuid
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from server.errors import MailRefused
from server.extensions import db, now
from server.jobs import escalating
from server.models import Member, Outcome, Role
from server.services import alerts, delivery, escalation, identities, members
from server.services.care_teams import replace_care_team
from server.services.routes import routing_of
from server.services.worklists import worklist
from server.settings import Settings
from server.trends import Severity
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, one, owner, refusing, rows
from tests.factories import OUTCOME_NOTE, Actors, make_member
from tests.services.test_alerts import tell

FRONT_DESK = "front-desk@clinic.example"
# Whom mail about the alert went to, in order; the clinic's own address has no name.
TOLD = """
    SELECT coalesce(name, 'clinic') FROM alert_email LEFT JOIN member ON member.id = member_id ORDER BY event_id, name
"""


@pytest.fixture
def dan(actors: Actors, clock: Clock) -> Member:
    """The second of Ada's care team, after Bob."""
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    db.session.commit()
    return dan


def alert_id() -> uuid.UUID:
    found: uuid.UUID = one("SELECT id FROM alert")
    return found


def due_at() -> object:
    return one("SELECT escalate_at FROM alert")


def pass_on(clock: Clock) -> int:
    """What a tick and a worker do."""
    enqueued = escalating.enqueue_escalations(clock())
    db.session.commit()
    for (clinic_id, ids) in rows("SELECT args->>'clinic_id', args->'alert_ids' FROM procrastinate_jobs"
                                 " WHERE task_name = 'escalate' ORDER BY id"):  # fmt: skip
        escalating.escalate(clinic_id, ids)
    change("DELETE FROM procrastinate_jobs WHERE task_name = 'escalate'")
    return enqueued


def told() -> list[str]:
    return [name for (name,) in rows(TOLD)]


def give_clinic_an_address(actors: Actors) -> None:
    routing_of(actors.clinic.id).escalation_email = FRONT_DESK
    db.session.commit()


def test_the_next_person_is_told_when_the_deadline_is_over(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    clock.pass_by(hours=3, minutes=59)
    assert (pass_on(clock), told()) == (0, ["Bob"])
    clock.pass_by(minutes=1)
    assert (pass_on(clock), told()) == (1, ["Bob", "Dan"])
    assert rows("SELECT kind, member_id FROM alert_event ORDER BY id") == [("raised", None), ("escalated", None)]
    assert due_at() == clock() + timedelta(hours=4)
    assert pass_on(clock) == 0


@pytest.mark.parametrize("what", ["acknowledge", "resolve"])
def test_whoever_takes_it_on_stops_it(actors: Actors, dan: Member, clock: Clock, what: str) -> None:
    tell(actors, clock, (0, Severity.URGENT))
    bob = identities.of_member(actors.bob)
    if what == "acknowledge":
        alerts.acknowledge(bob, alert_id(), clock())
    else:
        alerts.resolve(bob, alert_id(), Outcome.CONTACTED, OUTCOME_NOTE, clock())
    db.session.commit()
    clock.pass_by(days=3)
    assert (pass_on(clock), told(), due_at()) == (0, ["Bob"], None)


def test_after_the_last_person_the_clinics_own_address_is_told(actors: Actors, dan: Member, clock: Clock) -> None:
    give_clinic_an_address(actors)
    tell(actors, clock, (0, Severity.PROMPT))
    for _ in range(5):
        clock.pass_by(hours=4)
        pass_on(clock)
    assert (told(), due_at()) == (["Bob", "Dan", "clinic"], None)
    assert rows("SELECT * FROM member_mail") == []
    (email,) = rows("SELECT id FROM alert_email WHERE to_clinic")
    claim = delivery.claim(email[0], clock())
    assert claim is not None
    assert (claim.mail.to, getattr(claim.mail, "unacknowledged", None)) == (FRONT_DESK, True)


def test_where_the_clinic_has_no_address_its_admins_are_alarmed(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    for _ in range(5):
        clock.pass_by(hours=4)
        pass_on(clock)
    assert (told(), due_at()) == (["Bob", "Dan"], None)
    assert rows("SELECT member_id, kind FROM member_mail") == [(actors.alice_admin.id, "alarm")]


def test_an_urgent_one_is_told_to_all_again_until_somebody_has_it(actors: Actors, dan: Member, clock: Clock) -> None:
    give_clinic_an_address(actors)
    tell(actors, clock, (0, Severity.URGENT))
    for _ in range(2):
        change("UPDATE alert_email SET state = 'sent', sent_at = created_at WHERE state = 'queued'")
        clock.pass_by(minutes=15)
        pass_on(clock)
    assert told() == ["Bob", "Dan", "Bob", "Dan", "clinic"]
    for rounds in (1, 2, 3):
        change("UPDATE alert_email SET state = 'sent', sent_at = created_at WHERE state = 'queued'")
        clock.pass_by(minutes=59)
        assert pass_on(clock) == 0
        clock.pass_by(minutes=1)
        assert pass_on(clock) == 1
        assert told() == ["Bob", "Dan"] + ["Bob", "Dan", "clinic"] * (rounds + 1)
    alerts.acknowledge(identities.of_member(dan), alert_id(), clock())
    db.session.commit()
    clock.pass_by(days=1)
    assert pass_on(clock) == 0


def test_three_days_without_a_mail_server_bring_no_storm(actors: Actors, dan: Member, clock: Clock) -> None:
    give_clinic_an_address(actors)
    tell(actors, clock, (0, Severity.URGENT))
    for _ in range(3 * 24 * 4):
        clock.pass_by(minutes=15)
        pass_on(clock)
    assert sorted(told()) == ["Bob", "Dan"]
    assert due_at() is not None


def test_three_days_without_a_scheduler_are_one_step(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.URGENT))
    clock.pass_by(days=3)
    assert (pass_on(clock), pass_on(clock), told()) == (1, 0, ["Bob", "Dan"])
    assert due_at() == clock() + timedelta(minutes=15)


def test_a_refused_mail_does_not_wait_for_the_deadline(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    claim = delivery.claim(one("SELECT id FROM alert_email"), now())
    assert claim is not None
    delivery.record_refusal(claim, MailRefused("SMTP 421", lasting=False), clock())
    db.session.commit()
    assert pass_on(clock) == 0
    delivery.record_refusal(claim, MailRefused("SMTP 550", lasting=True), clock())
    db.session.commit()
    # The claim was given back by the first refusal: its sender writes nothing any more.
    assert pass_on(clock) == 0
    change("UPDATE alert_email SET due_at = created_at")
    claim = delivery.claim(one("SELECT id FROM alert_email"), now())
    assert claim is not None
    delivery.record_refusal(claim, MailRefused("SMTP 550", lasting=True), clock())
    db.session.commit()
    assert (pass_on(clock), told()) == (1, ["Bob", "Dan"])


@pytest.mark.parametrize("said", [{"active": False}, {"role": Role.COORDINATOR}])
def test_who_leaves_leaves_no_alert_behind(actors: Actors, dan: Member, clock: Clock, said: dict[str, object]) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    members.change_member(identities.of_member(actors.alice_admin), actors.bob.id, said, clock())
    db.session.commit()
    assert (pass_on(clock), told()) == (1, ["Bob", "Dan"])


def test_news_begins_the_way_again_with_whoever_had_it(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    clock.pass_by(hours=4)
    pass_on(clock)
    alerts.acknowledge(identities.of_member(dan), alert_id(), clock())
    db.session.commit()
    tell(actors, clock, (1, Severity.URGENT))
    assert told() == ["Bob", "Dan", "Dan"]
    clock.pass_by(minutes=15)
    pass_on(clock)
    assert told() == ["Bob", "Dan", "Dan", "Bob"]


def test_evidence_does_not_begin_the_way_again(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    tell(actors, clock, (1, Severity.PROMPT))
    clock.pass_by(hours=4)
    pass_on(clock)
    assert told() == ["Bob", "Dan"]


def test_nobody_to_tell_alarms_the_admins_and_the_clinics_address(actors: Actors, clock: Clock) -> None:
    give_clinic_an_address(actors)
    actors.bob.bounced_at, actors.bob.bounce_status = clock(), "5.1.1"
    db.session.commit()
    tell(actors, clock, (0, Severity.PROMPT))
    assert told() == ["clinic"]
    assert rows("SELECT member_id, kind, unrouted FROM member_mail") == [(actors.alice_admin.id, "alarm", 1)]
    clock.pass_by(days=1)
    pass_on(clock)
    assert one("SELECT count(*) FROM member_mail") == 1


def test_many_that_are_with_nobody_at_once_are_one_alarm(actors: Actors, dan: Member, clock: Clock) -> None:
    rules = ("craving_severe", "mood_very_low", "craving_rising")
    for rule in rules:
        tell(actors, clock, (0, Severity.PROMPT), rule=rule)
    for _ in range(2):
        clock.pass_by(hours=4)
        pass_on(clock)
    assert sorted(rows("SELECT state, unrouted FROM member_mail")) == [("queued", 1), ("withheld", 2), ("withheld", 3)]
    listed = worklist(identities.of_member(actors.alice_admin), clock())
    assert {alert.rule for alert in listed["unacknowledged_alerts"]} == set(rules)
    alerts.acknowledge(identities.of_member(dan), listed["unacknowledged_alerts"][0].id, clock())
    db.session.commit()
    assert len(worklist(identities.of_member(actors.alice_admin), clock())["unacknowledged_alerts"]) == 2
    clock.pass_by(minutes=15)
    tell(actors, clock, (0, Severity.PROMPT), rule="off_track")
    for _ in range(2):
        clock.pass_by(hours=4)
        pass_on(clock)
    assert one("SELECT count(*) FROM member_mail WHERE state = 'queued'") == 2


def test_a_step_waits_for_nobody_who_holds_the_patient(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.URGENT))
    for _ in range(3):
        change("UPDATE alert_email SET state = 'sent', sent_at = created_at WHERE state = 'queued'")
        clock.pass_by(hours=1)
        with owner().begin() as erasing:
            erasing.execute(text("SELECT 1 FROM patient WHERE id = :id FOR UPDATE"), {"id": actors.ada.id})
            db.session.execute(text("SET LOCAL lock_timeout = '1s'"))
            escalation.escalate(alert_id(), clock())
            db.session.commit()
    assert told() == ["Bob", "Dan", "Bob", "Dan", "Bob", "Dan"]


def test_of_four_workers_at_once_one_escalates(app: Flask, actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    clock.pass_by(hours=4)
    found = alert_id()

    def escalate() -> None:
        escalation.escalate(found, clock())
        db.session.commit()

    concurrently(app, *[escalate] * 4)
    assert told() == ["Bob", "Dan"]


def test_a_job_that_was_lost_is_put_on_the_queue_again(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    clock.pass_by(hours=4)
    assert escalating.enqueue_escalations(clock()) == 1
    db.session.commit()
    clock.pass_by(minutes=5)
    assert escalating.enqueue_escalations(clock()) == 0
    change("DELETE FROM procrastinate_jobs")
    assert escalating.enqueue_escalations(clock()) == 1


def test_one_alert_that_fails_stops_no_other(actors: Actors, dan: Member, clock: Clock, settings: Settings) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    tell(actors, clock, (0, Severity.PROMPT), rule="mood_very_low")
    first, second = (found for (found,) in rows("SELECT id FROM alert ORDER BY id"))
    clock.pass_by(hours=4)
    with refusing(settings, "alert_event", f"alert_id <> '{first}' OR kind <> 'escalated'"):
        pass_on(clock)
    assert rows("SELECT alert_id FROM alert_event WHERE kind = 'escalated'") == [(second,)]
    assert pass_on(clock) == 0
    clock.pass_by(minutes=10)
    assert pass_on(clock) == 1
    assert one("SELECT count(*) FROM alert_event WHERE kind = 'escalated'") == 2


def test_what_the_record_no_longer_holds_is_told_to_no_more_people(actors: Actors, dan: Member, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    change("UPDATE alert SET superseded_at = raised_at, escalate_at = NULL")
    before = digest()
    clock.pass_by(days=1)
    assert pass_on(clock) == 0
    assert digest() == before
