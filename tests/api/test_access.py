"""Every route, tried by everybody: no cell is left to chance."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.models import Member, Patient
from tests.api.cells import CELLS, PUBLIC, Cell, Things, begin_second_step, disable, remove_from_team
from tests.api.problem import assert_problem
from tests.database import digest
from tests.factories import bearer, signed_in, tokens_of

Route = tuple[str, str]


def test_every_route_of_the_api_has_its_cells(app: Flask) -> None:
    found = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] not in ("swagger_ui", "pages", "sessions", "resets", "second_step")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert found == CELLS.keys() | PUBLIC.keys()


def headers_for(app: Flask, route: Route, account: Member | Patient) -> dict[str, str]:
    if route[1].endswith("/refresh"):
        return bearer(tokens_of(app, account)["refresh_token"])
    return signed_in(app, account)


def call(client: FlaskClient, things: Things, route: Route, headers: dict[str, str], *, missing: bool) -> TestResponse:
    method, rule = route
    cell: Cell = CELLS[route]
    body = cell.body(things.now) if cell.body else None
    return client.open(things.url(rule, missing=missing), method=method, headers=headers, json=body)


@pytest.mark.parametrize("route", CELLS, ids=" ".join)
def test_each_actor_gets_what_is_written_down(app: Flask, client: FlaskClient, things: Things, route: Route) -> None:
    for name, expected in CELLS[route].expected().items():
        headers = headers_for(app, route, things.people[name])
        missing = call(client, things, route, headers, missing=True) if is_of_one(route) else None
        answer = call(client, things, route, headers, missing=False)
        assert answer.status_code == expected, (name, answer.get_data(as_text=True))
        if expected >= 400:
            assert_problem(answer, expected)
        if missing and expected == 404:
            # What is another's looks like what is not there, to the byte.
            assert missing.data == answer.data, name
            assert list(missing.headers) == list(answer.headers), name
        elif missing and expected < 300:
            assert_problem(missing, 404)


def is_of_one(route: Route) -> bool:
    """Whether it asks for one thing by an id (that of a check-in is the phone's own: none is missing)."""
    return "<uuid:" in route[1] and "check_in_id" not in route[1]


def test_nobody_signed_in_gets_nothing(client: FlaskClient, things: Things) -> None:
    before = digest()
    for route in CELLS:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Basic YWRhOmFkYQ=="}):
            answer = call(client, things, route, headers, missing=False)
            assert_problem(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.data == call(client, things, route, headers, missing=True).data
    assert digest() == before


def test_a_disabled_account_is_out_at_once(app: Flask, client: FlaskClient, things: Things) -> None:
    held = [(route, headers_for(app, route, person)) for route in CELLS for person in things.people.values()]
    for person in things.people.values():
        disable(person)
    before = digest()
    for route, headers in held:
        assert_problem(call(client, things, route, headers, missing=False), 401)
    assert digest() == before


def test_a_clinician_who_left_the_team_sees_nothing_more(app: Flask, client: FlaskClient, things: Things) -> None:
    remove_from_team(things)
    for route, cell in CELLS.items():
        expected = cell.expected()
        for name, as_ever in (("bob", expected["dan"]), ("dan", expected["bob"])):
            # Signing out, too, is one of the routes, and so is setting a second step up.
            db.session.refresh(things.people[name])
            begin_second_step(things.people[name])
            headers = headers_for(app, route, things.people[name])
            answer = call(client, things, route, headers, missing=False)
            assert answer.status_code == as_ever, (route, name, answer.get_data(as_text=True))
