"""Reminders from the tick to the phone: a real queue, a real worker, and a push service in this process."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import Parts, db
from server.jobs import JOBS, tick
from server.jobs.pushing import remind_phone
from server.jobs.reminding import remind
from server.settings import Settings
from server.worker import work
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import MARKS, Actors, check_in_body, make_patient, new_id, settings_for, signed_in, tokens_of
from tests.log_net import every_line
from tests.push_services import Browser, Service, listening

MINUTE = timedelta(minutes=1)
REMIND = next(job for job in JOBS if job.name == "remind")
QUEUED = "SELECT task_name, attempts, status::text FROM procrastinate_jobs ORDER BY id"
PAUSE = """
    INSERT INTO pause (id, patient_id, why, first_day, begun_at, last_day, ended_at)
    SELECT gen_random_uuid(), id, 'clinic', '{first}', created_at, {last}, {ended} FROM patient
"""
EVENING = datetime(2026, 5, 5, 0, 0, tzinfo=UTC)
"""20:00 of 4 May in New York."""
FCM = "dQw4w9WgXcQ:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ"


@pytest.fixture
def service(app: Flask, settings: Settings, clock: Clock) -> Iterator[Service]:
    """Both transports lead to it."""
    with listening(Service()) as service:
        theirs = settings_for(settings.database_url, settings.database_url, **service.settings())
        names = ("vapid_private_key", "vapid_subject", "fcm_credentials", "fcm_url", "push_services")
        here = replace(settings, **{name: getattr(theirs, name) for name in names})
        app.extensions["interlude"] = Parts(here, clock, lambda _: None)
        yield service


Phone = Callable[..., Browser]


@pytest.fixture
def phone(app: Flask, client: FlaskClient, actors: Actors, service: Service) -> Phone:
    """A browser that is signed in, of Ada's unless another's, and wants its reminders at 20:00."""

    def made(patient: object = None, at: str = "20:00") -> Browser:
        browser = Browser(f"{service.url}/to/{new_id()}")
        headers = signed_in(app, patient or actors.ada)  # type: ignore[arg-type]
        assert client.put("/v1/me/push", json=browser.body(), headers=headers).status_code == 200
        assert client.patch("/v1/me", json={"reminder_time": at}, headers=headers).status_code == 200
        return browser

    return made


def run(app: Flask, clock: Clock) -> None:
    """A tick, and the worker until the queue is empty."""
    tick(REMIND, MINUTE, clock())
    asyncio.run(work(app, 1, wait=False))
    db.session.rollback()


def check_in(app: Flask, client: FlaskClient, actors: Actors, at: datetime) -> None:
    answer = client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(at), headers=signed_in(app, actors.ada))
    assert answer.status_code == 201


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


def test_each_phone_and_each_way_has_its_own(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    actors.ada.language = "es-MX"
    db.session.commit()
    first, second = phone(), phone()
    headers = signed_in(app, actors.ada)
    assert client.put("/v1/me/push", json={"kind": "fcm", "token": FCM}, headers=headers).status_code == 200
    clock.at = EVENING
    run(app, clock)
    by_path = {request.path: request for request in service.received}
    for browser in (first, second):
        sealed = by_path.pop(browser.subscription.endpoint.removeprefix(service.url)).body
        assert browser.opened(sealed)["body"] == "Tienes un recordatorio."
    (message,) = (request.json["message"] for request in by_path.values())
    assert (message["token"], message["notification"]["body"]) == (FCM, "Tienes un recordatorio.")


def test_nothing_of_the_patient_is_in_a_push_or_in_the_log(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    browser = phone()
    headers = signed_in(app, actors.ada)
    client.put("/v1/me/push", json={"kind": "fcm", "token": FCM}, headers=headers)
    clock.at = EVENING
    service.answers = [(500, {}, b"about this phone"), (201, {}, b"")]
    with every_line() as lines:
        run(app, clock)
    said = [browser.opened(r.body) if r.path.startswith("/to/") else r.json["message"] for r in service.received]
    told = str([{**each, "token": ""} for each in said]).lower()
    secret = browser.subscription.endpoint.rpartition("/")[2]
    for mark in (*MARKS, actors.ada.code, str(actors.ada.id), secret, FCM):
        assert mark.lower() not in told
    for word in ("check", "crav", "mood", "clinic", "tms", "treat", "health", "patient", "registro", "salud"):
        assert word not in told
    for mark in (secret, FCM, "about this phone", service.asked[0].body.decode()[-40:], actors.ada.code):
        assert [line for line in lines.said if mark in line] == []


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
        "UPDATE patient SET assess_due_at = NULL, withdrawn_at = created_at",
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


@pytest.mark.parametrize("gone", [404, 410])
def test_an_address_that_is_dead_is_dropped(
    app: Flask, clock: Clock, service: Service, phone: Phone, gone: int
) -> None:
    phone()
    phone()
    service.answers = [(gone, {}, b""), (201, {}, b"")]
    clock.at = EVENING
    run(app, clock)
    assert len(service.received) == 2
    assert one("SELECT count(*) FROM push_address") == 1
    clock.pass_by(days=1)
    run(app, clock)
    assert len(service.received) == 3


def retry_now() -> None:
    """The queue waits by the database's clock."""
    change("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")


def test_a_service_that_is_busy_is_asked_again_later_and_later_and_not_for_ever(
    app: Flask, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    service.answers = [(429, {"Retry-After": "600"}, b""), (503, {}, b"")]
    clock.at = EVENING
    run(app, clock)
    waits = []
    while rows("SELECT 1 FROM procrastinate_jobs WHERE status = 'todo'"):
        wait = one("SELECT extract(epoch FROM scheduled_at - now()) FROM procrastinate_jobs WHERE status = 'todo'")
        waits.append(round(float(wait), -1))
        assert one("SELECT reminded_on FROM push_address") is None
        clock.pass_by(minutes=10)
        retry_now()
        run(app, clock)
    assert waits == [600, 120, 480, 1920]
    assert len(service.received) == 5
    assert rows(QUEUED) == [("remind_phone", 5, "failed")]


def test_nobody_is_asked_again_once_it_is_too_late(app: Flask, clock: Clock, service: Service, phone: Phone) -> None:
    phone()
    service.answers = [(503, {}, b"")]
    clock.at = EVENING
    run(app, clock)
    clock.pass_by(hours=2)
    retry_now()
    run(app, clock)
    assert len(service.received) == 1
    assert rows(QUEUED) == []


def test_it_arrives_when_the_service_is_well_again(app: Flask, clock: Clock, service: Service, phone: Phone) -> None:
    phone()
    service.answers = [(503, {}, b""), (201, {}, b"")]
    clock.at = EVENING
    for _ in range(3):
        run(app, clock)
        retry_now()
        clock.pass_by(minutes=1)
    assert len(service.received) == 2


@pytest.mark.parametrize("status", [302, 400, 403, 413])
def test_what_will_never_be_taken_is_not_sent_again(
    app: Flask, clock: Clock, service: Service, phone: Phone, status: int
) -> None:
    phone()
    service.answers = [(status, {"Location": f"{service.url}/elsewhere"}, b"")]
    clock.at = EVENING
    run(app, clock)
    assert len(service.received) == 1
    assert rows(QUEUED) == []
    assert one("SELECT count(*) FROM push_address") == 1


def test_of_workers_at_once_one_decides_and_one_sends(
    app: Flask, actors: Actors, clock: Clock, service: Service, phone: Phone
) -> None:
    phone()
    clock.at = EVENING
    clinic, ada = str(actors.clinic.id), [str(actors.ada.id)]
    concurrently(app, *[lambda: remind(clinic, ada)] * 5)
    ((args,),) = rows("SELECT args FROM procrastinate_jobs")
    concurrently(app, *[lambda: remind_phone(**args)] * 5)
    assert len(service.received) == 1
    assert args.keys() == {"clinic_id", "sign_in_id", "day", "until"}


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


def test_a_phone_that_gives_a_new_address_while_the_old_one_dies_keeps_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, service: Service
) -> None:
    headers = {"Authorization": f"Bearer {tokens_of(app, actors.ada)['access_token']}"}
    client.patch("/v1/me", json={"reminder_time": "20:00"}, headers=headers)
    client.put("/v1/me/push", json=Browser(f"{service.url}/old").body(), headers=headers)
    clock.at = EVENING

    def die(_: object) -> tuple[int, dict[str, str], bytes]:
        change("UPDATE push_address SET address_sealed = address_sealed || '\\x00'")
        return 410, {}, b""

    service.answer = die  # type: ignore[method-assign,assignment]
    run(app, clock)
    assert one("SELECT count(*) FROM push_address") == 1
