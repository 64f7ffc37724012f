"""One call of a route of the table, as one of the actors."""

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.models import Member, Patient
from tests.attacks.cells import CELLS, Cell
from tests.attacks.things import Things
from tests.factories import bearer, signed_in, tokens_of

Route = tuple[str, str]


def headers_for(app: Flask, route: Route, account: Member | Patient) -> dict[str, str]:
    if route[1].endswith("/refresh"):
        return bearer(tokens_of(app, account)["refresh_token"])
    return signed_in(app, account)


def call(client: FlaskClient, things: Things, route: Route, headers: dict[str, str], *, missing: bool) -> TestResponse:
    method, rule = route
    cell: Cell = CELLS[route]
    body = cell.body(things.now) if cell.body else None
    # What is put has an id of the phone's own making, every time.
    missing = missing or method == "PUT"
    return client.open(things.url(rule, missing=missing), method=method, headers=headers, json=body)
