"""S1: every route, tried by everybody: no cell is left to chance."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from tests.api.problem import assert_problem
from tests.attacks.calls import Route, call, headers_for
from tests.attacks.cells import CELLS, PUBLIC
from tests.attacks.page_cells import PAGES, PUBLIC_PAGES
from tests.attacks.things import Things, begin_second_step, disable, remove_from_team
from tests.database import digest
from tests.factories import signed_in

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"}


def routes_of(app: Flask, *, documentation: bool = False) -> set[Route]:
    """Every method of every address; HEAD and OPTIONS come with their GET."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("swagger_ui.") is documentation
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_s01_every_route_has_its_cells(app: Flask) -> None:
    assert routes_of(app) == CELLS.keys() | PUBLIC.keys() | PAGES.keys() | PUBLIC_PAGES
    # Files of our own, the same for everybody.
    assert {method for method, _ in routes_of(app, documentation=True)} == {"GET"}


def test_s01_no_other_method_does_anything(app: Flask, client: FlaskClient, things: Things) -> None:
    found, bob = routes_of(app), signed_in(app, things.people["bob"])
    before = digest()
    for rule in sorted({rule for _, rule in found}):
        for method in sorted(METHODS - {method for method, of in found if of == rule}):
            url = things.url(rule).replace("<string(length=43):token>", "x" * 43).replace("<slug>", "invalid")
            assert_problem(client.open(url, method=method, headers=bob, json={}), 405)
    assert digest() == before


@pytest.mark.parametrize("route", CELLS, ids=" ".join)
def test_s01_each_actor_gets_what_is_written_down(
    app: Flask, client: FlaskClient, things: Things, route: Route
) -> None:
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
    """Whether it asks for one thing by an id (what is put has the phone's own: none is missing)."""
    return "<uuid:" in route[1] and route[0] != "PUT"


def test_s01_nobody_signed_in_gets_nothing(client: FlaskClient, things: Things) -> None:
    before = digest()
    for route in CELLS:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Basic YWRhOmFkYQ=="}):
            answer = call(client, things, route, headers, missing=False)
            assert_problem(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.data == call(client, things, route, headers, missing=True).data
    assert digest() == before


def test_s01_a_disabled_account_is_out_at_once(app: Flask, client: FlaskClient, things: Things) -> None:
    held = [(route, headers_for(app, route, person)) for route in CELLS for person in things.people.values()]
    for person in things.people.values():
        disable(person)
    # No transaction of the test's own stays open meanwhile: PostgreSQL ends what is idle for a minute.
    db.session.rollback()
    before = digest()
    for route, headers in held:
        assert_problem(call(client, things, route, headers, missing=False), 401)
    assert digest() == before


def test_s01_a_clinician_who_left_the_team_sees_nothing_more(app: Flask, client: FlaskClient, things: Things) -> None:
    remove_from_team(things)
    # Who is away is a member's own, whosever patient Ada is.
    of_ada = {route: cell for route, cell in CELLS.items() if not route[1].endswith(("/absences", "<uuid:absence_id>"))}
    for route, cell in of_ada.items():
        expected = cell.expected()
        for name, as_ever in (("bob", expected["dan"]), ("dan", expected["bob"])):
            # Signing out, too, is one of the routes, and so is setting a second step up.
            db.session.refresh(things.people[name])
            begin_second_step(things.people[name])
            headers = headers_for(app, route, things.people[name])
            answer = call(client, things, route, headers, missing=False)
            assert answer.status_code == as_ever, (route, name, answer.get_data(as_text=True))
