"""The second step on the pages: set up with a camera or by hand, its codes shown once; and who is led there."""

import re

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.charts import draw_qr
from server.extensions import db
from server.models import Role
from server.services.second_factor import enrol
from server.services.throttle import ALLOWED, Scope, count_own
from tests.audited import actions
from tests.conftest import Clock
from tests.database import digest, one, rows
from tests.factories import PASSWORD, TOTP_SECRET, Actors, make_member, mfa_code, signed_in
from tests.web.conftest import csrf_token, enter

PAGE = "/second-step"


def post(client: FlaskClient, what: str, **form: str) -> TestResponse:
    return client.post(f"{PAGE}/{what}", data={"csrf_token": csrf_token(client, PAGE), **form})


def secret_in(answer: TestResponse) -> str:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', answer.get_data(as_text=True))
    assert found
    return found[1].replace(" ", "")


def codes_in(answer: TestResponse) -> list[str]:
    return re.findall(r"<li><code>([0-9A-Z-]+)</code></li>", answer.get_data(as_text=True))


def sign_in(client: FlaskClient, email: str, **said: str) -> TestResponse:
    form = {"email": email, "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in"), **said}
    return client.post("/sign-in", data=form)


def sign_out(client: FlaskClient) -> None:
    client.post("/sign-out", data={"csrf_token": csrf_token(client, PAGE)})


def test_it_is_set_up_and_asked_for_from_then_on(
    app: Flask, client: FlaskClient, bob: FlaskClient, actors: Actors, clock: Clock
) -> None:
    phone = signed_in(app, actors.bob)
    shown = post(bob, "begin", password=PASSWORD)
    secret = secret_in(shown)
    uri = pyotp.TOTP(secret).provisioning_uri(name="bob@clinic.example", issuer_name="Interlude")
    assert draw_qr(uri) in shown.get_data(as_text=True)
    assert one("SELECT totp_since FROM member WHERE id = :id", id=actors.bob.id) is None
    done = post(bob, "confirm", mfa_code=f" {pyotp.TOTP(secret).at(clock())} ")
    codes = codes_in(done)
    assert (done.status_code, len(set(codes))) == (200, 10)
    # This browser stays, with a new cookie; the phone came in without a code.
    assert bob.get("/alerts").status_code == 200
    assert client.get("/v1/me", headers=phone).status_code == 401
    assert "second_step_set_up" in actions()
    sign_out(bob)
    assert sign_in(bob, "bob@clinic.example").status_code == 401
    assert sign_in(bob, "bob@clinic.example", mfa_code=codes[0]).location == "/alerts"
    sign_out(bob)
    assert sign_in(bob, "bob@clinic.example", mfa_code=codes[0]).status_code == 401
    clock.pass_by(seconds=30)
    assert sign_in(bob, "bob@clinic.example", mfa_code=pyotp.TOTP(secret).at(clock())).location == "/alerts"


def test_what_is_shown_once_is_shown_once(bob: FlaskClient, actors: Actors, clock: Clock) -> None:
    shown = post(bob, "begin", password=PASSWORD)
    secret = secret_in(shown)
    wrong = post(bob, "confirm", mfa_code="000000")
    assert (wrong.status_code, "wrong, or was used" in wrong.get_data(as_text=True)) == (422, True)
    codes = codes_in(post(bob, "confirm", mfa_code=pyotp.TOTP(secret).at(clock())))
    later = bob.get(PAGE).get_data(as_text=True)
    for page in (wrong.get_data(as_text=True), later):
        assert "<svg" not in page
        assert secret not in page.replace(" ", "")
        assert not [code for code in codes if code in page]
    kept = one("SELECT member::text FROM member WHERE id = :id", id=actors.bob.id)
    assert not [code for code in (secret, *codes) if code in kept]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.COORDINATOR, Role.CLINICIAN])
def test_who_must_have_one_is_led_to_it(client: FlaskClient, actors: Actors, clock: Clock, role: Role) -> None:
    member = make_member(actors.clinic, role, "Grace", clock())
    member.totp, member.totp_since = None, None
    actors.clinic.mfa_required = True
    db.session.commit()
    answer = sign_in(client, member.email)
    assert (answer.status_code, answer.location) == (302, "/alerts")
    led = client.get("/alerts")
    assert (led.status_code, led.location) == (303, PAGE)
    assert "Set it up to go on." in client.get(PAGE).get_data(as_text=True)
    secret = secret_in(post(client, "begin", password=PASSWORD))
    assert len(codes_in(post(client, "confirm", mfa_code=pyotp.TOTP(secret).at(clock())))) == 10
    # The alerts are the clinicians'; for the others this is the page that there is.
    onward = client.get("/alerts")
    assert onward.status_code == (200 if role is Role.CLINICIAN else 303)


def test_a_session_of_before_the_clinic_asked_for_it_is_led_there_too(
    bob: FlaskClient, actors: Actors, alert_id: object
) -> None:
    token = csrf_token(bob, f"/alerts/{alert_id}")
    actors.clinic.mfa_required = True
    db.session.commit()
    before = digest()
    for answer in (
        bob.get(f"/alerts/{alert_id}"),
        bob.get(f"/alerts/{alert_id}/chart.svg"),
        bob.post(f"/alerts/{alert_id}/acknowledge", data={"csrf_token": token}),
    ):
        assert (answer.status_code, answer.location) == (303, PAGE)
    assert digest() == before


def test_an_admin_who_has_one_signs_in_with_a_code_and_sees_no_alert(
    client: FlaskClient, actors: Actors, clock: Clock, alert_id: object
) -> None:
    assert sign_in(client, "alice@clinic.example").status_code == 401
    assert sign_in(client, "alice@clinic.example", mfa_code=mfa_code(clock())).status_code == 302
    for url in ("/alerts", f"/alerts/{alert_id}", f"/alerts/{alert_id}/chart.svg"):
        assert client.get(url).status_code == 303
    assert "alice@clinic.example" in client.get(PAGE).get_data(as_text=True)


def test_it_is_removed_with_password_and_code(
    client: FlaskClient, bob: FlaskClient, actors: Actors, clock: Clock
) -> None:
    enrol(actors.bob, TOTP_SECRET, clock())
    db.session.commit()
    for form in (
        {"password": "wrong horse battery"},
        {"mfa_code": "000000"},
        {"mfa_code": "x" * 500},
        {"mfa_code": ""},
    ):
        said = {"password": PASSWORD, "mfa_code": mfa_code(clock()), **form}
        assert post(bob, "remove", **said).status_code == 422, form
    assert post(bob, "begin", password=PASSWORD).status_code == 409
    assert post(bob, "remove", password=PASSWORD, mfa_code=mfa_code(clock())).location == PAGE
    assert rows("SELECT totp_sealed, totp_since FROM member WHERE id = :id", id=actors.bob.id) == [(None, None)]
    assert actions() == ["second_step_removed"]


def test_neither_a_stranger_nor_another_site_does_any_of_it(app: Flask, bob: FlaskClient, actors: Actors) -> None:
    stranger, before = app.test_client(), digest()
    for what in ("begin", "confirm", "remove"):
        form = {"password": PASSWORD, "mfa_code": "000000"}
        assert bob.post(f"{PAGE}/{what}", data=form).status_code == 400
        form["csrf_token"] = csrf_token(stranger, "/sign-in")
        asked = stranger.post(f"{PAGE}/{what}", data=form)
        assert asked.location == f"/sign-in?next={PAGE}/{what}"
        assert f'name="next" value="{PAGE}"' in stranger.get(asked.location).get_data(as_text=True)
        assert bob.get(f"{PAGE}/{what}").status_code == 405
    assert stranger.get(PAGE).location == f"/sign-in?next={PAGE}"
    assert digest() == before


def test_a_session_without_the_password_sets_nothing_up_and_cannot_guess_it(
    bob: FlaskClient, actors: Actors, clock: Clock
) -> None:
    """A browser that was left open."""
    before = digest()
    for _ in range(ALLOWED[Scope.PASSWORD].pair - 1):
        count_own(Scope.PASSWORD, one("SELECT id FROM sign_in WHERE device = 'browser'"), clock())
    assert post(bob, "begin", password="wrong horse battery").status_code == 422
    refused = post(bob, "begin", password=PASSWORD)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert digest() == before


def test_carol_sets_up_her_own(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    """Of another clinic: the page is about whoever is signed in."""
    enter(client, actors.carol, clock)
    secret = secret_in(post(client, "begin", password=PASSWORD))
    assert len(codes_in(post(client, "confirm", mfa_code=pyotp.TOTP(secret).at(clock())))) == 10
    assert rows("SELECT name FROM member WHERE totp_since IS NOT NULL AND role = 'clinician'") == [("Carol",)]
