"""Every route of staff leaves its event, naming whose record it was; no event, no answer."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.attacks.calls import Route, call
from tests.attacks.cells import CELLS
from tests.attacks.things import Things
from tests.audited import actions, events
from tests.conftest import Clock
from tests.database import failing, one, refusing
from tests.factories import PASSWORD, Actors, bearer, signed_in, tokens_of
from tests.web.conftest import csrf_token, enter

STAFF = ("bob", "dan", "alice", "dora")
# They say nothing of Ada.
OF_NOBODY = {
    *(("PATCH", "/v1/clinic"), ("POST", "/v1/members"), ("PATCH", "/v1/members/<uuid:member_id>")),
    *(("GET", "/v1/audit-events"), ("POST", "/v1/patients"), ("GET", "/v1/erasures")),
    *(("PATCH", "/v1/clinic/routing"), ("PUT", "/v1/clinic/webhook"), ("DELETE", "/v1/clinic/webhook")),
    *(("POST", "/v1/members/<uuid:member_id>/on-call"), ("DELETE", "/v1/on-call/<uuid:on_call_id>")),
    *(("POST", "/v1/members/<uuid:member_id>/absences"), ("DELETE", "/v1/absences/<uuid:absence_id>")),
    # Nothing of Ada's is to be mended.
    ("GET", "/v1/worklist"),
}
OF_SIGN_INS = {
    *("sign_out", "sign_out_everywhere", "password_changed", "device_revoked"),
    *("second_step_set_up", "second_step_removed"),
    # Patients' own.
    "exported",
    *("consent_granted", "consent_withdrawn"),
}
DANS_LISTS = {("GET", "/v1/patients"), ("GET", "/v1/alerts")}


@pytest.mark.parametrize("route", CELLS, ids=" ".join)
def test_what_staff_do_is_one_event_that_names_the_patient(
    app: Flask, client: FlaskClient, things: Things, route: Route
) -> None:
    for name in ("ada", *STAFF):
        before = len(events())
        answer = call(client, things, route, signed_in(app, things.people[name]), missing=False)
        made = events()[before:]
        audits = getattr(app.view_functions[endpoint_of(app, route)], "audits", None)
        if answer.status_code >= 400 or audits is None or name == "ada":
            assert {action for action, *_ in made} <= OF_SIGN_INS, name
            continue
        ((action, actor, actor_id, patients, what),) = made
        assert (action, actor, actor_id) == (str(audits), "member", things.people[name].id)
        if route not in OF_NOBODY and not (name == "dan" and route in DANS_LISTS):
            assert things.patient in patients, name
        for kind in ("alert", "session", "course"):
            if f"<uuid:{kind}_id>" in route[1]:
                assert what[kind] == str(getattr(things, kind))


def endpoint_of(app: Flask, route: Route) -> str:
    method, rule = route
    (found,) = (each for each in app.url_map.iter_rules() if each.rule == rule and method in (each.methods or ()))
    return str(found.endpoint)


def test_what_is_refused_or_not_found_shows_nothing_and_leaves_nothing(
    app: Flask, client: FlaskClient, things: Things
) -> None:
    url = f"/v1/patients/{things.patient}"
    assert client.get(url, headers=signed_in(app, things.people["dan"])).status_code == 404
    assert client.get(f"{url}/check-ins", headers=signed_in(app, things.people["alice"])).status_code == 403
    assert client.patch(url, json={"zone": "X/Y"}, headers=signed_in(app, things.people["bob"])).status_code == 422
    assert events() == []


def test_no_read_without_its_event(app: Flask, client: FlaskClient, settings: Settings, actors: Actors) -> None:
    headers = signed_in(app, actors.bob)
    with refusing(settings, "audit_event", "false"):
        for route in ("", "/check-ins", "/trend", "/chart.svg", "/courses"):
            answer = client.get(f"/v1/patients/{actors.ada.id}{route}", headers=headers)
            assert_problem(answer, 500)
        assert_problem(client.get("/v1/patients", headers=headers), 500)
    assert events() == []
    assert client.get(f"/v1/patients/{actors.ada.id}", headers=headers).status_code == 200


def test_no_change_without_its_event(app: Flask, client: FlaskClient, settings: Settings, actors: Actors) -> None:
    headers = signed_in(app, actors.bob)
    with failing(settings, "audit_event", "true", "53100"):
        answer = client.patch(f"/v1/patients/{actors.ada.id}", json={"region": "US-TX"}, headers=headers)
        assert answer.status_code in (500, 503)
    assert one("SELECT region FROM patient WHERE id = :ada", ada=actors.ada.id) == "US"
    assert (events(), one("SELECT count(*) FROM audit_head")) == ([], 0)


def test_the_pages_are_audited_as_the_api_is(client: FlaskClient, things: Things, actors: Actors, clock: Clock) -> None:
    enter(client, actors.bob, clock)
    page = f"/alerts/{things.alert}"
    for url in ("/alerts", page, f"{page}/chart.svg"):
        assert client.get(url).status_code == 200
    token = csrf_token(client, page)
    assert client.post(f"{page}/acknowledge", data={"csrf_token": token}).status_code == 303
    assert client.get(f"/alerts/{things.people['eve'].id}").status_code == 404
    answer = client.post(f"{page}/resolve", data={"csrf_token": token, "outcome": "fine"})
    assert answer.status_code == 422
    made = events()
    assert [action for action, *_ in made] == [
        *("alerts_listed", "alert_read", "chart_read", "alert_read", "alert_acknowledged"),
        # Shown once more, with the reason why it was not closed.
        "alert_read",
    ]
    for _, actor, actor_id, patients, _ in made:
        assert (actor, actor_id, patients) == ("member", actors.bob.id, [things.patient])


def test_who_signs_in_is_audited(app: Flask, client: FlaskClient, actors: Actors) -> None:
    for said in ({"email": "bob@clinic.example"}, {"code": actors.ada.code}):
        for password, status in ((PASSWORD, 201), ("wrong horse battery", 401)):
            assert client.post("/v1/tokens", json={**said, "password": password}).status_code == status
    assert events("action, actor, actor_id") == [
        ("sign_in", "member", actors.bob.id),
        ("sign_in", "patient", actors.ada.id),
    ]


def test_who_takes_over_a_browser_of_another_clinic_is_audited_there_and_here(
    client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    enter(client, actors.bob, clock)
    form = {"email": "carol@elsewhere.example", "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 302
    assert {(actors.clinic.id, "sign_out", actors.bob.id), (actors.elsewhere.id, "sign_in", actors.carol.id)} == set(
        events("clinic_id, action, actor_id")
    )


def test_whatever_ends_a_sign_in_is_audited(app: Flask, client: FlaskClient, actors: Actors) -> None:
    client.delete("/v1/tokens/current", headers=signed_in(app, actors.bob))
    client.delete("/v1/tokens", headers=signed_in(app, actors.bob))
    db.session.refresh(actors.bob)
    other, headers = tokens_of(app, actors.bob), signed_in(app, actors.bob)
    devices = client.get("/v1/me/devices", headers=headers).get_json()["items"]
    (device,) = (device["id"] for device in devices if not device["current"])
    client.delete(f"/v1/me/devices/{device}", headers=headers)
    assert client.get("/v1/me", headers=bearer(other["access_token"])).status_code == 401
    new = {"password": PASSWORD, "new_password": "a battery staple that is correct"}
    assert client.post("/v1/me/password", json=new, headers=headers).status_code == 201
    assert events("action, actor_id, what") == [
        ("sign_out", actors.bob.id, {}),
        ("sign_out_everywhere", actors.bob.id, {}),
        ("device_revoked", actors.bob.id, {"sign_in": device}),
        ("password_changed", actors.bob.id, {}),
    ]


def test_a_refresh_token_that_came_twice_is_audited(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    first = bearer(tokens_of(app, actors.ada)["refresh_token"])
    assert client.post("/v1/tokens/refresh", headers=first).status_code == 201
    clock.pass_by(minutes=5)
    assert client.post("/v1/tokens/refresh", headers=first).status_code == 401
    sign_in = one("SELECT id FROM sign_in WHERE ended_why = 'reused'")
    assert events("action, actor, actor_id, what") == [
        ("refresh_reused", "patient", actors.ada.id, {"sign_in": str(sign_in)})
    ]


def test_an_explained_alert_is_read_by_the_operator(app: Flask, things: Things) -> None:
    result = app.test_cli_runner().invoke(args=["explain", str(things.alert)])
    assert "Alert" in result.output
    assert events() == [("alert_explained", "operator", None, [things.patient], {"alert": str(things.alert)})]


def test_an_explanation_that_cannot_be_audited_says_nothing(app: Flask, settings: Settings, things: Things) -> None:
    with refusing(settings, "audit_event", "false"):
        result = app.test_cli_runner().invoke(args=["explain", str(things.alert)])
    assert (result.exit_code, result.output) == (1, "")
    assert actions() == []
