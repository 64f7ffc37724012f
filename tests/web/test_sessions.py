"""Signing in to the pages: clinicians alone, with a cookie that no script reads and that ends by our clock."""

import re
import uuid
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import create_app
from server.extensions import db
from server.models import Role
from server.services.second_factor import enrol
from server.settings import Settings
from tests.attacks.things import disable
from tests.conftest import Clock
from tests.database import rows
from tests.factories import PASSWORD, TOTP_SECRET, Actors, mfa_code, settings_for
from tests.web.conftest import csrf_token, enter


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, next_: str = "") -> TestResponse:
    token = csrf_token(client, f"/sign-in?next={quote(next_)}")
    form = {"email": email, "password": password, "next": next_, "csrf_token": token}
    return client.post("/sign-in", data=form)


def test_from_the_mails_link_through_the_sign_in_to_the_alert(
    client: FlaskClient, actors: Actors, alert_id: uuid.UUID
) -> None:
    asked = client.get(f"/alerts/{alert_id}")
    assert (asked.status_code, asked.location) == (302, f"/sign-in?next=/alerts/{alert_id}")
    assert str(alert_id) in client.get(asked.location).get_data(as_text=True)
    answer = sign_in(client, " Bob@Clinic.Example ", next_=f"/alerts/{alert_id}")
    assert (answer.status_code, answer.location) == (302, f"/alerts/{alert_id}")
    assert client.get(answer.location).status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient, actors: Actors) -> None:
    cookies = sign_in(client, "bob@clinic.example").headers.getlist("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["known_device", "session"]
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Domain" not in cookie


def test_over_https_the_cookies_stay_there_and_are_of_this_host_alone(
    settings: Settings, actors: Actors, clock: Clock
) -> None:
    base = "https://interlude.example"
    secure = settings_for(settings.database_url, settings.migration_database_url, BASE_URL=base)
    app = create_app(secure, now=clock)
    client = app.test_client()
    page = client.get("/sign-in", base_url=base).get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"email": "bob@clinic.example", "password": PASSWORD, "csrf_token": token}
    answer = client.post("/sign-in", data=form, base_url=base, headers={"Referer": f"{base}/sign-in"})
    assert (answer.status_code, answer.location) == (302, "/alerts")
    cookies = answer.headers.getlist("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["__Host-known_device", "__Host-session"]
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert client.get("/alerts", base_url=base).status_code == 200
    with app.app_context():
        db.engine.dispose()


def test_nobody_but_active_members_signs_in(client: FlaskClient, actors: Actors) -> None:
    disable(actors.carol)
    pages = set()
    for email, password in (
        ("bob@clinic.example", "wrong horse battery"),
        ("nobody@clinic.example", PASSWORD),
        ("carol@elsewhere.example", PASSWORD),
        (actors.ada.code, PASSWORD),
        ("", ""),
        ("nobody@clinic.example\0", PASSWORD),
        ("\U0001f600", "x" * 100_000),
    ):
        answer = sign_in(client, email, password)
        assert answer.status_code == 401, email
        pages.add(re.sub(r'value="[^"]*"', "", answer.get_data(as_text=True)))
        assert client.get("/alerts").status_code == 302
    assert len(pages) == 1


def test_the_sign_in_form_needs_its_token_too(client: FlaskClient, actors: Actors) -> None:
    form = {"email": "bob@clinic.example", "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 400
    assert client.get("/alerts").status_code == 302


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "/alerts//evil.example", "/alerts\\evil",
        "alerts", "javascript:alert(1)", "/sign-out", "/alerts/../v1/me", "/alertsevil", "/alerts@evil.example",
        "/alerts\r\nSet-Cookie: a=b", "\t//evil.example", "/alerts/\thttps://evil.example", "", "/docs/",
    ],
)  # fmt: skip
def test_a_crafted_link_leads_nowhere_else(client: FlaskClient, actors: Actors, elsewhere: str) -> None:
    page = client.get("/sign-in", query_string={"next": elsewhere}).get_data(as_text=True)
    target = re.search(r'name="next" value="([^"]*)"', page)
    assert target is not None
    assert re.fullmatch(r"/alerts(/[0-9a-f-]{36})?", target[1])


def test_a_session_that_ended_before_the_button_leads_back_to_the_alert(
    bob: FlaskClient, clock: Clock, alert_id: uuid.UUID
) -> None:
    token = csrf_token(bob, f"/alerts/{alert_id}")
    clock.pass_by(minutes=31)
    asked = bob.post(f"/alerts/{alert_id}/acknowledge", data={"csrf_token": token})
    assert asked.status_code == 302
    assert f'name="next" value="/alerts/{alert_id}"' in bob.get(asked.location).get_data(as_text=True)


def test_after_the_sign_in_too(client: FlaskClient, actors: Actors) -> None:
    answer = sign_in(client, "bob@clinic.example", next_="//evil.example/alerts")
    assert answer.location == "/alerts"


@pytest.mark.parametrize(("gap", "times", "status"), [(29, 1, 200), (31, 1, 302), (25, 28, 200), (25, 29, 302)])
def test_it_ends_after_half_an_hour_unused_and_after_twelve_hours(
    bob: FlaskClient, clock: Clock, gap: int, times: int, status: int
) -> None:
    for _ in range(times):
        clock.pass_by(minutes=gap)
        answer = bob.get("/alerts")
    assert answer.status_code == status


def test_whatever_ends_the_account_ends_the_session(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    for name, value in (("active", False), ("token_version", 2), ("role", Role.ADMIN)):
        enter(client, actors.bob, clock)
        assert client.get("/alerts").status_code == 200
        before = getattr(actors.bob, name)
        setattr(actors.bob, name, value)
        db.session.commit()
        assert client.get("/alerts").status_code == 302, name
        setattr(actors.bob, name, before)
        db.session.commit()


def test_signing_out(bob: FlaskClient, alert_id: uuid.UUID) -> None:
    token = csrf_token(bob, "/alerts")
    assert bob.get("/sign-out").status_code == 405
    assert bob.post("/sign-out").status_code == 400
    assert bob.get("/alerts").status_code == 200
    assert bob.post("/sign-out", data={"csrf_token": token}).status_code == 302
    assert bob.get("/alerts").status_code == 302


def test_a_sign_in_is_on_the_server_too_and_ends_there(client: FlaskClient, actors: Actors) -> None:
    """Signing in again in the same browser takes the place of what was before."""
    for expected in (["live"], ["live", "replaced"]):
        sign_in(client, "bob@clinic.example")
        assert kept_sign_ins() == expected
    client.post("/sign-out", data={"csrf_token": csrf_token(client, "/alerts")})
    assert kept_sign_ins() == ["replaced", "signed_out"]
    assert client.post("/sign-out", data={"csrf_token": csrf_token(client, "/sign-in")}).status_code == 302


def kept_sign_ins() -> list[str]:
    found = rows("SELECT device, coalesce(ended_why, 'live') FROM sign_in")
    assert {device for device, _ in found} == {"browser"}
    return sorted(state for _, state in found)


def test_a_cookie_from_before_there_were_sign_ins_is_asked_to_sign_in(client: FlaskClient, actors: Actors) -> None:
    with client.session_transaction() as session:
        session.update(account=str(actors.bob.id), version=1, seen="2026-05-04T20:00:00+00:00")
    assert client.get("/alerts").status_code == 302


def test_a_forged_cookie_is_nobody(client: FlaskClient, actors: Actors, alert_id: uuid.UUID) -> None:
    for forged in ("eyJhY2NvdW50IjoiYm9iIn0.x.y", "", "\u00fc", "x" * 3_000):
        client.set_cookie("session", forged)
        assert client.get(f"/alerts/{alert_id}").status_code == 302


def test_an_api_token_opens_no_page_and_a_cookie_no_api(
    bob: FlaskClient, app: Flask, actors: Actors, alert_id: uuid.UUID
) -> None:
    assert bob.get("/v1/me").status_code == 401
    assert bob.post(f"/v1/alerts/{alert_id}/acknowledge").status_code == 401


def test_the_front_door_leads_to_the_alerts_and_so_to_the_sign_in(client: FlaskClient) -> None:
    answer = client.get("/", follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, "/sign-in")


def test_a_second_step_is_asked_for_and_works_once(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    enrol(actors.bob, TOTP_SECRET, clock())
    db.session.commit()
    form = {"email": actors.bob.email, "password": PASSWORD}
    code = mfa_code(clock())
    for said, status in (({}, 401), ({"mfa_code": "000000"}, 401), ({"mfa_code": code}, 302)):
        answer = client.post("/sign-in", data={**form, **said, "csrf_token": csrf_token(client, "/sign-in")})
        assert answer.status_code == status, said
    assert client.get("/alerts").status_code == 200
    client.post("/sign-out", data={"csrf_token": csrf_token(client, "/alerts")})
    again = {**form, "mfa_code": code, "csrf_token": csrf_token(client, "/sign-in")}
    assert "used before" in client.post("/sign-in", data=again).get_data(as_text=True)
    assert client.get("/alerts").status_code == 302
