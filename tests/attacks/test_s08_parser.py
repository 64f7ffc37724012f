"""S8: whatever a body holds, it is a problem document, nothing is written, and never a 5xx."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.bodies import ill_fitting, unreadable
from tests.api.problem import assert_problem, pointers
from tests.attacks.calls import headers_for
from tests.attacks.cells import CELLS, PUBLIC
from tests.attacks.things import Things
from tests.database import digest
from tests.factories import CANARY

Body = Callable[[datetime], dict[str, Any]]
BODIES: dict[tuple[str, str], Body] = {
    route: body for route, body in [*PUBLIC.items(), *((route, cell.body) for route, cell in CELLS.items())] if body
}
ROUTES = pytest.mark.parametrize("route", BODIES, ids=" ".join)


def welcome(app: Flask, things: Things, route: tuple[str, str]) -> dict[str, str]:
    """Headers of somebody who may call this route."""
    if route in PUBLIC:
        return {}
    name = next(name for name, status in CELLS[route].expected().items() if status < 300)
    return headers_for(app, route, things.people[name])


@ROUTES
def test_what_cannot_be_read_is_refused(
    app: Flask, client: FlaskClient, things: Things, route: tuple[str, str]
) -> None:
    method, rule = route
    headers = welcome(app, things, route)
    before = digest()
    for name, (body, typed) in unreadable(BODIES[route](things.now)):
        answer = client.open(things.url(rule), method=method, data=body, headers={**headers, **typed})
        assert answer.status_code in {400, 413, 415, 422}, (name, answer.status_code, answer.data[:300])
        assert_problem(answer, 400, 413, 415, 422)
    assert digest() == before


@ROUTES
def test_what_does_not_fit_is_refused_and_never_echoed(
    app: Flask, client: FlaskClient, things: Things, route: tuple[str, str]
) -> None:
    method, rule = route
    headers = welcome(app, things, route)
    before = digest()
    for name, body in ill_fitting(BODIES[route](things.now)):
        answer = client.open(things.url(rule), method=method, json=body, headers=headers)
        assert answer.status_code == 422, (name, answer.status_code, answer.data[:300])
        assert_problem(answer, 422)
        assert pointers(answer), name
        # A pointer names the field that nobody knows, wherever it stands.
        said = re.sub(rf"#(/\w+)*/{CANARY}", "", answer.get_data(as_text=True))
        assert CANARY not in said, name
        assert "98765" not in said, name
    assert digest() == before


def test_a_chunked_body_is_read_to_its_end(app: Flask, client: FlaskClient, things: Things) -> None:
    headers = headers_for(app, ("PUT", ""), things.people["ada"])
    url = things.url("/v1/check-ins/<uuid:check_in_id>")
    assert_problem(client.put(url, headers={**headers, "Content-Type": "application/json"}), 400)
    wrong = {**headers, "Content-Type": "application/json", "Content-Length": "many"}
    assert_problem(client.put(url, headers=wrong), 400)


@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing", "/v1/patients/1", "/v1/check-ins/..%2f..", "/problems/no"])
def test_an_unknown_address_is_a_problem_too(client: FlaskClient, path: str) -> None:
    assert_problem(client.get(path), 404)


def test_a_method_that_is_not_there_names_those_that_are(client: FlaskClient) -> None:
    answer = client.delete("/v1/alerts")
    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
