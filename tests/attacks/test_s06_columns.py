"""S6: every column there is, slipped into every body, is refused by name; nothing is written."""

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect
from werkzeug.test import TestResponse

from server.api.description import description
from server.extensions import Base, db
from server.models import sealed_in
from tests.api.problem import assert_problem, pointers
from tests.attacks.calls import Route, headers_for
from tests.attacks.cells import CELLS
from tests.attacks.page_cells import PAGES
from tests.attacks.test_s01_pages import as_member, call
from tests.attacks.test_s08_parser import BODIES, welcome
from tests.attacks.things import Things
from tests.conftest import Clock
from tests.database import digest, rows
from tests.factories import CANARY

COLUMNS = frozenset(
    name
    for mapper in Base.registry.mappers
    for name in (
        *(column.name for column in mapper.local_table.columns),
        *(attribute.key for attribute in inspect(mapper.class_).attrs),
        *(sealed.name for sealed in sealed_in(mapper.class_)),
    )
)
BODILESS = sorted(route for route, cell in CELLS.items() if cell.body is None and route[0] != "GET")
FORMS = sorted(route for route in PAGES if route[0] == "POST")


@cache
def described() -> dict[str, Any]:
    return description()


def bodies() -> Iterator[tuple[Route, dict[str, Any]]]:
    """Each route that takes a body, and the body's schema."""
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            if method != "parameters" and "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                yield (method.upper(), path), resolved(schema)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = described()["components"]["schemas"][name] if name else schema
    return found


def path_of(rule: str) -> str:
    return re.sub(r"<uuid:(\w+)>", r"{\1}", rule)


def places(schema: dict[str, Any], value: Any, at: str = "#") -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every object in a body: its pointer, its schema, and itself."""
    if isinstance(value, dict):
        if "anyOf" in schema:  # a sync of one urge
            schema = resolved(schema["anyOf"][-1])
        yield at, schema, value
        for name, inner in value.items():
            yield from places(resolved(schema["properties"][name]), inner, f"{at}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(resolved(schema["items"]), inner, f"{at}/{number}")


def refused_at(answer: TestResponse) -> set[str]:
    """What is to blame; of a sync each item has its own answer."""
    if answer.status_code == 200:
        (result,) = answer.get_json()["results"]
        return {error["pointer"].replace("#", "#/items/0", 1) for error in result["problem"]["errors"]}
    assert_problem(answer, 422)
    return set(pointers(answer))


def kept() -> str:
    """Everything in every table, as text."""
    tables = [*db.metadata.tables, "procrastinate_jobs"]
    return str(rows(" UNION ALL ".join(f'SELECT t::text FROM "{table}" t' for table in tables)))  # noqa: S608


def test_s06_every_body_that_is_described_is_tried(app: Flask) -> None:
    assert len(COLUMNS) > 100
    assert {route for route, _ in bodies()} == {(method, path_of(rule)) for method, rule in BODIES}


def test_s06_no_column_can_be_slipped_into_a_body(app: Flask, client: FlaskClient, things: Things) -> None:
    schemas, headers = dict(bodies()), {route: welcome(app, things, route) for route in BODIES}
    before = digest()
    for route in BODIES:
        (method, rule), schema = route, schemas[route[0], path_of(route[1])]
        good = BODIES[route](things.now)
        for at, inner, _ in places(schema, good):
            sneaky = deepcopy(good)
            _, _, spot = next(found for found in places(schema, sneaky) if found[0] == at)
            strange = COLUMNS - set(inner["properties"])
            spot |= dict.fromkeys(strange, 1)
            answer = client.open(things.url(rule), method=method, json=sneaky, headers=headers[route])
            # Each by its name, so none is let through for being in company.
            assert refused_at(answer) == {f"{at}/{column}" for column in strange}, route
    assert digest() == before


def test_s06_a_route_without_a_body_reads_none(app: Flask, client: FlaskClient, things: Things) -> None:
    for route in BODILESS:
        method, rule = route
        name, status = next(found for found in CELLS[route].expected().items() if found[1] < 300)
        # Signing out is one of the routes.
        db.session.refresh(things.people[name])
        headers = headers_for(app, route, things.people[name])
        answer = client.open(things.url(rule), method=method, json=dict.fromkeys(COLUMNS, CANARY), headers=headers)
        assert answer.status_code == status, route
        assert CANARY not in answer.get_data(as_text=True), route
    assert CANARY not in kept()


@pytest.mark.parametrize("route", FORMS, ids=" ".join)
def test_s06_a_form_takes_its_own_fields_alone(app: Flask, things: Things, route: Route, clock: Clock) -> None:
    name, (status, _) = next(found for found in PAGES[route].expected().items() if found[1][0] in (200, 303))
    own = PAGES[route].form(things.now).keys() | {"note", "csrf_token"}
    client = as_member(app, things, name, clock)
    answer = call(client, things, route, extra=dict.fromkeys(COLUMNS - own, CANARY))
    assert answer.status_code == status
    assert CANARY not in kept()
