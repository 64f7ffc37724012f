"""One reminder on its way to each phone: sent once, tried again, given up, and nothing of anybody in it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.jobs.pushing import remind_phone
from server.jobs.reminding import remind
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import MARKS, Actors, signed_in, tokens_of
from tests.jobs.conftest import Phone
from tests.jobs.evening import EVENING, FCM, QUEUED, run
from tests.log_net import every_line
from tests.push_services import Browser, Service


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
        assert browser.opened(sealed)["body"] == "Tiene un recordatorio."
    (message,) = (request.json["message"] for request in by_path.values())
    assert (message["token"], message["notification"]["body"]) == (FCM, "Tiene un recordatorio.")


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
