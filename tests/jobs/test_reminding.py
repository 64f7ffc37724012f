"""Who is reminded, when, and that it is once a day: a real queue, a real worker, a push service in this process."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.jobs import tick
from server.jobs.pushing import remind_phone
from server.jobs.reminding import remind
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors, make_patient, signed_in
from tests.jobs.conftest import Phone
from tests.jobs.evening import EVENING, MINUTE, QUEUED, REMIND, check_in, run
from tests.push_services import Service

PAUSE = """
    INSERT INTO pause (id, patient_id, why, first_day, begun_at, last_day, ended_at)
    SELECT gen_random_uuid(), id, 'clinic', '{first}', created_at, {last}, {ended} FROM patient
"""


def test_at_the_patients_time_and_once_a_day(app: Flask, clock: Clock, service: Service, phone: Phone) -> None:
    browser = phone()
    clock.at = EVENING - MINUTE
    run(app, clock)
    assert service.received == []
    for _ in range(5):
        clock.pass_by(minutes=1)
        run(app, clock)
    (request,) = service.received
    assert browser.opened(request.body) == {"title": "Interlude", "body": "You have a reminder."}
    assert request.headers["ttl"] == "7200"
    assert rows("SELECT reminded_on, remind_due_at FROM patient") == [(date(2026, 5, 4), EVENING + timedelta(days=1))]
    clock.at = EVENING + timedelta(days=1)
    run(app, clock)
    assert len(service.received) == 2
    assert rows(QUEUED) == []


def test_nobody_is_reminded_of_a_day_that_is_done(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    check_in(app, client, actors, clock())
    clock.at = EVENING
    run(app, clock)
    assert service.received == []
    assert one("SELECT remind_due_at FROM patient") == EVENING + timedelta(days=1)


def test_who_checks_in_while_the_job_waits_is_not_reminded(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    clock.at = EVENING
    tick(REMIND, MINUTE, clock())
    remind(str(actors.clinic.id), [str(actors.ada.id)])
    assert [name for name, *_ in rows(QUEUED)] == ["remind", "remind_phone"]
    check_in(app, client, actors, clock())
    run(app, clock)
    assert service.received == []


@pytest.mark.parametrize(
    "state",
    [
        "UPDATE patient SET active = false",
        "UPDATE patient SET withdrawn_at = created_at",
        "UPDATE patient SET monitored_from = '2026-05-05'",
        "UPDATE patient SET monitored_until = '2026-05-03', monitored_from = '2026-05-01'",
        "UPDATE patient SET monitored_from = NULL",
        PAUSE.format(first="2026-05-04", last="NULL", ended="NULL"),
        PAUSE.format(first="2026-05-01", last="'2026-05-04'", ended="created_at"),
        "UPDATE clinic SET live = false",
        "UPDATE sign_in SET ended_at = created_at, ended_why = 'signed_out'",
    ],
)
def test_nobody_is_reminded_who_is_not_expected(
    app: Flask, actors: Actors, clock: Clock, service: Service, phone: Phone, state: str
) -> None:
    """Neither when it is decided nor, when it comes between, when it is sent."""
    phone()
    clock.at = EVENING
    change(state)
    run(app, clock)
    assert service.received == []
    change("UPDATE patient SET remind_due_at = :at, remind_queued_at = NULL, reminded_on = NULL", at=EVENING)
    sign_in = one("SELECT sign_in_id FROM push_address")
    until = (EVENING + timedelta(hours=2)).isoformat()
    remind_phone(str(actors.clinic.id), str(sign_in), "2026-05-04", until)
    assert service.received == []


@pytest.mark.parametrize(("minutes", "sent"), [(0, 1), (119, 1), (120, 0), (600, 0), (3000, 0)])
def test_after_a_while_it_is_too_late(
    app: Flask, clock: Clock, service: Service, phone: Phone, minutes: int, sent: int
) -> None:
    """As when everything was down; what was missed does not come in a heap."""
    phone()
    clock.at = EVENING + timedelta(minutes=minutes)
    run(app, clock)
    run(app, clock)
    assert len(service.received) == sent


def test_a_reminder_ends_with_the_day(app: Flask, clock: Clock, service: Service, phone: Phone) -> None:
    """The day of 4 May ends at 04:00 in the night."""
    phone(at="03:50")
    clock.at = datetime(2026, 5, 5, 7, 50, tzinfo=UTC)
    run(app, clock)
    (request,) = service.received
    assert request.headers["ttl"] == "600"
    assert one("SELECT reminded_on FROM patient") == date(2026, 5, 4)


def test_ten_schedulers_at_once_queue_a_patient_once(app: Flask, clock: Clock, phone: Phone) -> None:
    phone()
    clock.at = EVENING
    at = clock()
    said = concurrently(app, *[lambda: tick(REMIND, MINUTE, at)] * 10)
    assert sorted(said, key=str) == [1, *[None] * 9]
    assert tick(REMIND, MINUTE, at + MINUTE) == 0
    change("DELETE FROM procrastinate_jobs")
    assert tick(REMIND, MINUTE, at + 5 * MINUTE) == 1


def test_a_time_that_was_changed_after_the_reminder_brings_no_second(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    clock.at = EVENING
    run(app, clock)
    phone(at="21:00")
    clock.pass_by(hours=1)
    run(app, clock)
    assert len(service.received) == 1
    clock.pass_by(days=1)
    run(app, clock)
    assert len(service.received) == 3


def test_who_crosses_the_date_line_has_one_for_each_date_and_no_date_twice(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    reminded: list[tuple[str, int]] = []
    for zone in ("America/New_York", "Pacific/Kiritimati", *["Pacific/Pago_Pago"] * 3):
        client.patch("/v1/me", json={"zone": zone}, headers=signed_in(app, actors.ada))
        clock.at = one("SELECT remind_due_at FROM patient")
        run(app, clock)
        reminded.append((one("SELECT reminded_on FROM patient").isoformat(), len(service.received)))
    # Where it is still the 4th, and then the 5th again, she has had hers.
    assert reminded == [("2026-05-04", 1), ("2026-05-05", 2), ("2026-05-05", 2), ("2026-05-05", 2), ("2026-05-06", 3)]


def test_a_zone_that_changed_behind_the_plan_reminds_nobody_at_the_wrong_time(
    app: Flask, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    change("UPDATE patient SET zone = 'Europe/London'")
    clock.at = EVENING
    run(app, clock)
    assert service.received == []
    assert one("SELECT remind_due_at FROM patient") == datetime(2026, 5, 5, 19, 0, tzinfo=UTC)


def test_one_patient_who_cannot_be_reminded_stops_nobody(
    app: Flask, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    phone(make_patient(actors.bob, clock()))
    change("UPDATE patient SET zone = 'Nowhere/Land' WHERE id = :id", id=actors.ada.id)
    clock.at = EVENING
    run(app, clock)
    assert len(service.received) == 1
    for minutes, queued in ((20, 0), (13, 1)):
        clock.pass_by(minutes=minutes)
        assert tick(REMIND, MINUTE, clock()) == queued
