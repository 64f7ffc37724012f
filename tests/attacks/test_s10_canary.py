"""S10: a mark in everything that is sent: it is in no line of the log, no error and no header.

Beside it, every test of the suite runs over a net for names, notes, passwords and tokens (tests/log_net.py).
"""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.attacks.calls import headers_for
from tests.attacks.cells import CELLS
from tests.attacks.clean import assert_clean
from tests.attacks.test_s08_parser import BODIES, welcome
from tests.attacks.things import Things
from tests.factories import CANARY, ODD, Actors
from tests.log_net import Lines

SENT_HEADERS = (
    *("User-Agent", "Referer", "X-Forwarded-For", "Accept-Language", "Cookie", "Origin", "If-Match", "Accept"),
    *("Traceparent", "Forwarded"),
)
HEADERS = dict.fromkeys(SENT_HEADERS, CANARY)


def marked(value: Any) -> Any:
    """The same with the mark in each text."""
    if isinstance(value, str):
        return ODD
    if isinstance(value, Mapping):
        return {name: marked(inner) for name, inner in value.items()}
    return [marked(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("route", BODIES, ids=" ".join)
def test_in_every_body(app: Flask, client: FlaskClient, things: Things, route: tuple[str, str], lines: Lines) -> None:
    method, rule = route
    good = BODIES[route](things.now)
    texts = [name for name, value in good.items() if isinstance(value, str | list)]
    for body in (marked(good), *({**good, name: marked(good[name])} for name in texts)):
        answer = client.open(things.url(rule), method=method, json=body, headers=welcome(app, things, route))
        assert answer.status_code < 500
        if answer.status_code >= 400:
            assert_clean(answer)
    assert_clean(client.open(things.url(rule), method=method, data=ODD, headers=welcome(app, things, route)))


def test_in_every_path_query_and_header(app: Flask, client: FlaskClient, things: Things, lines: Lines) -> None:
    asked = {CANARY: CANARY, "cursor": CANARY}
    for rule in sorted({rule.rule for rule in app.url_map.iter_rules()}):
        path = "/".join(CANARY if "<" in part else part for part in rule.rstrip("/").split("/"))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", CANARY.upper()):
            wrong = [f"{path}/{CANARY}", path] if "<" in rule else [f"{path}/{CANARY}"]
            for address in wrong:
                assert_clean(client.open(address, method=method, headers=HEADERS, query_string=asked))


def test_in_the_query_of_every_list(app: Flask, client: FlaskClient, things: Things, lines: Lines) -> None:
    for route in (route for route in CELLS if route[0] == "GET"):
        name = next(name for name, status in CELLS[route].expected().items() if status == 200)
        headers = headers_for(app, route, things.people[name])
        for asked in ({"cursor": CANARY}, {"limit": CANARY}, {"state": CANARY}, {"from": CANARY}, {"zebra": CANARY}):
            answer = client.get(things.url(route[1]), headers=headers | HEADERS, query_string=asked)
            assert CANARY not in str(answer.headers)
            if answer.status_code >= 400:
                assert_clean(answer)


def test_as_a_token_a_cookie_and_a_sign_in(client: FlaskClient, actors: Actors, lines: Lines) -> None:
    for token in (f"Bearer {CANARY}", f"Bearer eyJ{CANARY}.{CANARY}.x", f"Basic {CANARY}", CANARY):
        assert_clean(client.get("/v1/me", headers={"Authorization": token}), status=401)
    assert_clean(
        client.post("/v1/tokens", json={"email": f"{CANARY}@clinic.example", "password": CANARY * 2}), status=401
    )
    client.set_cookie("session", CANARY)
    answer = client.get(f"/alerts?{CANARY}={CANARY}", headers=HEADERS)
    assert answer.status_code == 302
    assert CANARY not in str(answer.headers)
    assert_clean(client.post("/sign-in", data={"email": CANARY, "password": CANARY, "next": f"/{CANARY}"}), status=400)
