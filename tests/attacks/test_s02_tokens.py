"""S2: a token that is used twice, is of the wrong kind, or is outlived by what it stood for."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Role
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.attacks.forging import Pair, claims_of, forged, me, refresh, signed
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import PASSWORD, Actors, bearer, make_member, new_id, signed_in, tokens_of
from tests.web.conftest import csrf_token, enter


def assert_dead(client: FlaskClient, *pairs: Pair) -> None:
    for pair in pairs:
        assert_problem(me(client, pair["access_token"]), 401)
        assert_problem(refresh(client, pair["refresh_token"]), 401)
        assert_problem(me(client, pair["access_token"]), 401)


def test_s02_a_refresh_token_used_twice_ends_the_family(
    app: Flask, client: FlaskClient, actors: Actors, pair: Pair, clock: Clock
) -> None:
    """A thief and the owner hold the same token. Whoever comes second, both are out."""
    other = tokens_of(app, actors.bob)
    fresh = refresh(client, pair["refresh_token"]).get_json()
    assert me(client, fresh["access_token"]).status_code == 200
    assert_problem(refresh(client, pair["refresh_token"]), 401)
    sign_in = claims_of(pair["access_token"])["sid"]
    assert rows("SELECT id::text, ended_why, ended_at FROM sign_in WHERE ended_at IS NOT NULL") == [
        (sign_in, "reused", clock())
    ]
    assert_dead(client, pair, fresh)
    assert me(client, other["access_token"]).status_code == 200


def test_s02_the_oldest_of_many_still_gives_the_thief_away(
    client: FlaskClient, settings: Settings, pair: Pair, clock: Clock
) -> None:
    fresh = pair
    for _ in range(5):
        clock.pass_by(days=30)
        fresh = refresh(client, fresh["refresh_token"]).get_json()
        assert me(client, fresh["access_token"]).status_code == 200
    stale = {**claims_of(pair["refresh_token"]), "exp": int(clock().timestamp()) + 60}
    assert_problem(refresh(client, signed(stale, settings.jwt_secret_key)), 401)
    assert_dead(client, fresh)


def test_s02_each_kind_of_token_does_its_own_work_alone(client: FlaskClient, settings: Settings, pair: Pair) -> None:
    before = digest()
    assert_problem(me(client, pair["refresh_token"]), 401)
    assert_problem(refresh(client, pair["access_token"]), 401)
    for token in (pair["refresh_token"], pair["access_token"]):
        assert_problem(refresh(client, forged(settings, token, type=None)), 401)
        assert_problem(me(client, forged(settings, token, type=None)), 401)
    assert digest() == before
    assert me(client, pair["access_token"]).status_code == 200


def test_s02_a_token_given_out_before_there_were_sign_ins(client: FlaskClient, settings: Settings, pair: Pair) -> None:
    for token, use in ((pair["access_token"], me), (pair["refresh_token"], refresh)):
        old = {
            name: claims_of(token)[name] for name in ("sub", "role", "version", "type", "jti", "iat", "exp", "fresh")
        }
        assert_problem(use(client, signed(old, settings.jwt_secret_key)), 401)


End = Callable[[FlaskClient, Flask, Actors, Pair], None]


def sign_out(client: FlaskClient, app: Flask, actors: Actors, pair: Pair) -> None:
    assert client.delete("/v1/tokens/current", headers=bearer(pair["access_token"])).status_code == 204


def sign_out_everywhere(client: FlaskClient, app: Flask, actors: Actors, pair: Pair) -> None:
    elsewhere = signed_in(app, actors.bob)
    assert client.delete("/v1/tokens", headers=elsewhere).status_code == 204


def change_password(client: FlaskClient, app: Flask, actors: Actors, pair: Pair) -> None:
    said = {"password": PASSWORD, "new_password": "another battery horse"}
    assert client.post("/v1/me/password", json=said, headers=signed_in(app, actors.bob)).status_code == 201


def patch_bob(client: FlaskClient, app: Flask, actors: Actors, **said: Any) -> None:
    make_room(app, client, actors)
    answer = client.patch(f"/v1/members/{actors.bob.id}", json=said, headers=signed_in(app, actors.alice_admin))
    assert answer.status_code == 200, answer.get_data(as_text=True)


def make_room(app: Flask, client: FlaskClient, actors: Actors) -> None:
    """Somebody else hears of Ada, so that Bob can be spared."""
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", client.application.extensions["interlude"].now())
    team = {"care_team": [str(actors.bob.id), str(dan.id)]}
    url = f"/v1/patients/{actors.ada.id}"
    assert client.patch(url, json=team, headers=signed_in(app, actors.alice_admin)).status_code == 200


def disable(client: FlaskClient, app: Flask, actors: Actors, pair: Pair) -> None:
    patch_bob(client, app, actors, active=False)


def change_role(client: FlaskClient, app: Flask, actors: Actors, pair: Pair) -> None:
    patch_bob(client, app, actors, role="admin")


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        (sign_out, "signed_out"),
        (sign_out_everywhere, "signed_out_everywhere"),
        (change_password, "password_changed"),
        (disable, "disabled"),
        (change_role, "role_changed"),
    ],
)
def test_s02_what_ends_a_sign_in_ends_its_tokens_at_the_next_request(
    app: Flask, client: FlaskClient, actors: Actors, pair: Pair, ended: End, why: str
) -> None:
    assert me(client, pair["access_token"]).status_code == 200
    ended(client, app, actors, pair)
    assert_dead(client, pair)
    sign_in = claims_of(pair["access_token"])["sid"]
    assert one("SELECT ended_why FROM sign_in WHERE id = :id", id=sign_in) == why


def test_s02_what_was_ended_does_not_come_back(app: Flask, client: FlaskClient, actors: Actors, pair: Pair) -> None:
    """Enabled again, in the old role again: who was shut out signs in anew."""
    disable(client, app, actors, pair)
    alice = signed_in(app, actors.alice_admin)
    for said in ({"active": True}, {"role": "admin"}, {"role": "clinician"}):
        assert client.patch(f"/v1/members/{actors.bob.id}", json=said, headers=alice).status_code == 200
    assert_dead(client, pair)
    assert client.post("/v1/tokens", json={"email": actors.bob.email, "password": PASSWORD}).status_code == 201


def test_s02_a_disabled_patient_is_out_and_an_invite_is_no_way_round(
    app: Flask, client: FlaskClient, actors: Actors
) -> None:
    pair, bob = tokens_of(app, actors.ada), signed_in(app, actors.bob)
    url = f"/v1/patients/{actors.ada.id}"
    code = client.post(f"{url}/invites", headers=bob).get_json()["code"]
    assert client.patch(url, json={"active": False}, headers=bob).get_json()["active"] is False
    assert_dead(client, pair)
    assert_problem(client.post("/v1/tokens", json={"code": actors.ada.code, "password": PASSWORD}), 401)
    said = {"code": code, "password": PASSWORD, "device": "phone", "zone": "America/New_York"}
    assert_problem(client.post("/v1/enrollments", json=said), 422)
    assert_problem(client.post(f"{url}/invites", headers=bob), 409)
    assert client.patch(url, json={"active": True}, headers=bob).status_code == 200
    assert_dead(client, pair)
    assert client.post("/v1/tokens", json={"code": actors.ada.code, "password": PASSWORD}).status_code == 201


def test_s02_a_password_change_catches_who_is_just_signing_in(
    app: Flask, client: FlaskClient, actors: Actors, pair: Pair
) -> None:
    """The old password was found right, the new one set, and only then the sign-in stored: it is of no use."""
    late = tokens_of(app, actors.bob)
    change_password(client, app, actors, pair)
    change("UPDATE sign_in SET ended_at = NULL, ended_why = NULL")
    assert_dead(client, late)


def test_s02_a_family_that_is_past_its_time(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, settings: Settings
) -> None:
    """Unused for 60 days, or used all along for a year: neither token helps, whatever it says of itself."""
    unused, used = tokens_of(app, actors.ada), tokens_of(app, actors.ada)
    began = clock()
    for _ in range(7):
        clock.pass_by(days=50)
        used = refresh(client, used["refresh_token"]).get_json()
    later = {"iat": int(clock().timestamp()), "exp": int(clock().timestamp()) + 10**8}
    assert_problem(refresh(client, unused["refresh_token"]), 401)
    assert_problem(refresh(client, forged(settings, unused["refresh_token"], **later)), 401)
    clock.pass_by(days=15, minutes=-10)
    used = refresh(client, used["refresh_token"]).get_json()
    assert used["expires_in"] == 600
    assert me(client, used["access_token"]).status_code == 200
    clock.pass_by(minutes=10)
    assert (clock() - began).days == 365
    for token in (used["access_token"], forged(settings, used["access_token"], **later)):
        assert_problem(me(client, token), 401)
    for token in (used["refresh_token"], forged(settings, used["refresh_token"], **later)):
        assert_problem(refresh(client, token), 401)


def test_s02_another_accounts_device_is_not_there(app: Flask, client: FlaskClient, actors: Actors, pair: Pair) -> None:
    """Nor is it for the clinic's admin, nor for a patient's clinician, nor after a guess."""
    mine = claims_of(pair["access_token"])["sid"]
    before = one("SELECT ended_at FROM sign_in")
    for account in (actors.ada, actors.alice_admin, actors.carol):
        headers = signed_in(app, account)
        foreign, missing = (client.delete(f"/v1/me/devices/{id_}", headers=headers) for id_ in (mine, new_id()))
        assert_problem(foreign, 404)
        assert foreign.data == missing.data
        assert list(foreign.headers) == list(missing.headers)
        assert mine not in client.get("/v1/me/devices", headers=headers).get_data(as_text=True)
    assert one("SELECT ended_at FROM sign_in WHERE id = :id", id=mine) == before
    assert me(client, pair["access_token"]).status_code == 200


def test_s02_a_page_is_ended_by_the_same(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    """A copy of the cookie is no use after its owner signed out; nor is the cookie after what ends the tokens."""
    for ended in (sign_out_of_the_pages, sign_out_everywhere, change_password, disable):
        browser, thief = app.test_client(), app.test_client()
        enter(browser, actors.bob, clock)
        with browser.session_transaction() as theirs, thief.session_transaction() as copy:
            copy.update(theirs)
        for cookie in (browser, thief):
            assert cookie.get("/alerts").status_code == 200
        ended(browser, app, actors, {})
        for cookie in (browser, thief):
            assert cookie.get("/alerts").status_code == 302, ended.__name__
        db.session.refresh(actors.bob)


def sign_out_of_the_pages(browser: FlaskClient, app: Flask, actors: Actors, pair: Pair) -> None:
    assert browser.post("/sign-out", data={"csrf_token": csrf_token(browser, "/alerts")}).status_code == 302
