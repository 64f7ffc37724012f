"""After a restore: what may have gone is held and listed, what is urgent is told anew, and nothing is done twice."""

import uuid
from datetime import timedelta
from email.message import EmailMessage

import pytest
from click.testing import Result
from flask import Flask

from server.extensions import db
from server.jobs import JOBS, tick
from server.models import Alert, Outcome, Patient
from server.models.outgoing import Outgoing
from server.queue import enqueue
from server.services import alerts, reminders
from server.services.raising import raise_findings
from server.services.restoring import HELD
from server.services.routes import routing_of
from server.trends import Severity
from tests.audited import events
from tests.conftest import Clock
from tests.database import change, digest, digest_but_audit, one, rows
from tests.factories import Actors, finding, identity_of, make_patient
from tests.jobs.test_worker import run
from tests.services.test_watch import check_in

MINUTE = timedelta(minutes=1)


def after_restore(app: Flask, clock: Clock, taken: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["after-restore", "--taken", taken or clock().isoformat()])


def raised(patient: Patient, clock: Clock, severity: Severity) -> uuid.UUID:
    raise_findings(patient, [finding(clock().date(), severity)], clock())
    db.session.commit()
    found: uuid.UUID = one("SELECT id FROM alert WHERE patient_id = :id", id=patient.id)
    return found


def test_what_waited_is_held_and_listed_and_what_is_urgent_is_told_anew(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    eve = make_patient(actors.bob, clock())
    prompt, urgent = raised(actors.ada, clock, Severity.PROMPT), raised(eve, clock, Severity.URGENT)
    waiting = {alert: email for email, alert in rows("SELECT id, alert_id FROM alert_email")}
    clock.pass_by(hours=5)
    said = after_restore(app, clock)
    assert said.exit_code == 0
    assert set(said.output.splitlines()) == {
        f"held {actors.clinic.id} alert_email {waiting[prompt]} alert {prompt}",
        f"held {actors.clinic.id} alert_email {waiting[urgent]} alert {urgent}",
        f"told anew {actors.clinic.id} alert {urgent}",
        "Held: 2. Told anew: 1. With nobody: 0. The queue is empty; now start the processes.",
    }
    clock.pass_by(minutes=10)
    run(app, clock, "deliver")
    (mail,) = outbox
    assert (mail["To"], f"/alerts/{urgent}" in mail.as_string()) == ("bob@clinic.example", True)
    assert all(str(email) not in mail["Message-ID"] for email in waiting.values())
    assert (
        rows("SELECT state, withheld_why FROM alert_email WHERE id = ANY(:ids)", ids=[*waiting.values()])
        == [("withheld", "restored")] * 2
    )
    # In the audit of each clinic.
    assert sorted(events("action, actor, patients")) == [
        ("restored", "operator", []),
        ("restored", "operator", [eve.id]),
    ]
    # What is held is on the list of what reached nobody, until a person has closed it.
    assert one("SELECT alerts_without_recipient FROM health_counts()") == 1


def test_again_it_finds_nothing_to_do(app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]) -> None:
    raised(actors.ada, clock, Severity.URGENT)
    after_restore(app, clock)
    before = digest_but_audit()
    said = after_restore(app, clock)
    assert said.output == "Held: 0. Told anew: 0. With nobody: 0. The queue is empty; now start the processes.\n"
    after = digest_but_audit()
    assert {table for table in after if after[table] != before[table]} == {"procrastinate_jobs"}
    # Its job went with the queue; the tick brings it back.
    clock.pass_by(minutes=10)
    run(app, clock, "deliver")
    assert len(outbox) == 1


@pytest.mark.parametrize("done", ["acknowledged", "resolved"])
def test_what_a_person_has_in_hand_is_not_told_anew(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage], done: str
) -> None:
    alert, bob = raised(actors.ada, clock, Severity.URGENT), identity_of(actors.bob)
    if done == "acknowledged":
        alerts.acknowledge(bob, alert, clock())
    else:
        alerts.resolve(bob, alert, Outcome.CONTACTED, None, clock())
    db.session.commit()
    assert "Told anew: 0." in after_restore(app, clock).output
    clock.pass_by(minutes=10)
    run(app, clock, "deliver")
    assert outbox == []


def test_nobody_is_told_of_a_replay_and_nothing_else_is_said(app: Flask, actors: Actors, clock: Clock) -> None:
    change("UPDATE clinic SET live = false WHERE id = :id", id=actors.clinic.id)
    db.session.expire_all()
    raised(actors.ada, clock, Severity.URGENT)
    before = digest_but_audit()
    said = after_restore(app, clock)
    assert said.output == "Held: 0. Told anew: 0. With nobody: 0. The queue is empty; now start the processes.\n"
    assert digest_but_audit() == before
    assert events("action, patients") == [("restored", [])] * 2


def test_what_goes_to_nobody_is_not_said_to_be_told(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    """An admin is alarmed, if one can be; the alert's own mail has no recipient."""
    alert = raised(actors.ada, clock, Severity.URGENT)
    run(app, clock)
    outbox.clear()
    change("UPDATE member SET active = false WHERE role = 'clinician'")
    said = after_restore(app, clock)
    assert said.output.splitlines() == [
        f"with nobody {actors.clinic.id} alert {alert}: urgent, and nobody can be mailed; call the clinic",
        "Held: 0. Told anew: 0. With nobody: 1. The queue is empty; now start the processes.",
    ]
    clock.pass_by(minutes=10)
    run(app, clock, "deliver")
    assert [mail["To"] for mail in outbox if str(alert) in mail.as_string()] == []


def test_the_clinics_own_address_is_somebody(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    alert = raised(actors.ada, clock, Severity.URGENT)
    run(app, clock)
    outbox.clear()
    routing_of(actors.clinic.id).escalation_email = "desk@clinic.example"
    db.session.commit()
    change("UPDATE member SET active = false WHERE role = 'clinician'")
    assert f"told anew {actors.clinic.id} alert {alert}" in after_restore(app, clock).output
    clock.pass_by(minutes=10)
    run(app, clock, "deliver")
    assert [mail["To"] for mail in outbox if str(alert) in mail.as_string()] == ["desk@clinic.example"]


def test_what_was_sent_before_the_backup_stays_sent(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    raised(actors.ada, clock, Severity.PROMPT)
    run(app, clock)
    assert len(outbox) == 1
    assert "Held: 0. Told anew: 0." in after_restore(app, clock).output
    clock.pass_by(minutes=10)
    run(app, clock, "deliver")
    assert len(outbox) == 1


def test_the_queue_is_emptied_and_what_is_due_is_found_again(
    app: Flask, actors: Actors, clock: Clock, outbox: list[EmailMessage]
) -> None:
    check_in(actors.ada, clock, craving=9.5)
    tick(next(job for job in JOBS if job.name == "assess"), MINUTE, clock())
    enqueue("mail_reset", db.session, email_index="00", asked_at=clock().isoformat())
    db.session.commit()
    change("INSERT INTO procrastinate_workers DEFAULT VALUES")
    change("UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)")
    clock.pass_by(minutes=5)
    after_restore(app, clock)
    assert (one("SELECT count(*) FROM procrastinate_jobs"), one("SELECT count(*) FROM procrastinate_workers")) == (0, 0)
    run(app, clock, "assess")
    assert len(outbox) == 1


def test_a_reminder_and_a_link_of_before_are_gone(app: Flask, actors: Actors, clock: Clock) -> None:
    db.session.refresh(actors.ada)
    reminders.set_time(actors.ada, (clock() + timedelta(minutes=5)).time(), clock())
    db.session.commit()
    due = one("SELECT remind_due_at FROM patient")
    change(
        "INSERT INTO password_reset VALUES (:bob, :hash, 1, :until, NULL)",
        bob=actors.bob.id, hash=b"x" * 32, until=clock() + timedelta(minutes=30),
    )  # fmt: skip
    clock.at = due + timedelta(minutes=1)
    after_restore(app, clock)
    assert one("SELECT remind_due_at FROM patient") == due + timedelta(days=1)
    assert one("SELECT count(*) FROM password_reset") == 0


def test_each_alert_has_its_whole_deadline_again(app: Flask, actors: Actors, clock: Clock) -> None:
    """Nobody could answer while there was nothing: no storm of alerts that nobody acknowledged in time."""
    change(
        "INSERT INTO routing (clinic_id, urgent_minutes, prompt_minutes, routine_minutes, quiet_from, quiet_until,"
        " digest_at, digest_due_at) VALUES (:clinic, 15, 240, 2880, '19:00', '07:00', '07:30', :due)"
        " ON CONFLICT (clinic_id) DO UPDATE SET digest_due_at = :due",
        clinic=actors.clinic.id, due=clock(),
    )  # fmt: skip
    raised(actors.ada, clock, Severity.PROMPT)
    db.session.query(Alert).update({"escalate_at": clock(), "escalate_queued_at": clock()})
    db.session.commit()
    clock.pass_by(days=2)
    after_restore(app, clock)
    assert rows("SELECT escalate_at, escalate_queued_at FROM alert") == [(clock() + timedelta(hours=4), None)]
    assert one("SELECT digest_due_at FROM routing WHERE clinic_id = :id", id=actors.clinic.id) > clock()


def test_a_database_that_has_lived_on_is_left_alone(app: Flask, actors: Actors, clock: Clock) -> None:
    raised(actors.ada, clock, Severity.PROMPT)
    tick(next(job for job in JOBS if job.name == "assess"), MINUTE, clock())
    before = digest()
    said = after_restore(app, clock, taken="2026-05-04T15:59:00-04:00")
    assert said.exit_code == 1
    assert "A scheduler ticked on this database at 2026-05-04 20:00:00 UTC" in said.output
    assert after_restore(app, clock, taken="2026-05-04T15:59:00").exit_code == 2
    assert digest() == before


def test_all_that_leaves_the_house_is_held() -> None:
    assert set(HELD) == set(Outgoing.__subclasses__())
