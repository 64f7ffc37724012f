"""The request's id in the answer, the problem and the log; and the one line of each request."""

import json
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.logs import FIELDS, FieldRefused, configure_fields
from server.traffic import log
from tests.attacks.things import Things
from tests.conftest import NET
from tests.factories import CANARY, signed_in
from tests.log_net import every_line


@pytest.mark.parametrize("given", [str(uuid.UUID(int=7)), "a", "trace-1_2.3", "x" * 64])
def test_a_sane_id_is_taken(client: FlaskClient, given: str) -> None:
    with every_line() as lines:
        answer = client.get("/v1/nothing", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == answer.get_json()["request_id"] == given
    assert {json.loads(line)["request_id"] for line in lines.said if '"server.traffic"' in line} == {given}


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", f"{CANARY}<", "\u00fc", "a;b", '{"a":1}', "a/b"])
def test_any_other_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/v1/nothing", headers={"X-Request-ID": given})
    assert uuid.UUID(answer.headers["X-Request-ID"]).version == 4
    assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]


def test_each_request_has_one_line_of_listed_fields(app: Flask, client: FlaskClient, things: Things) -> None:
    bob = signed_in(app, things.people["bob"])
    with every_line() as lines:
        client.get(f"/v1/patients/{things.patient}?{CANARY}", headers=bob)
        client.get(f"/v1/patients/{things.patient}", headers=bob)
        client.open("/v1/me", method="BREW")
        client.get(f"/nowhere/{things.patient}")
    said = [json.loads(line) for line in lines.said if '"event": "request"' in line]
    route = "/v1/patients/<uuid:patient_id>"
    assert [(line["method"], line["route"], line["status"], line["role"]) for line in said] == [
        ("GET", route, 200, "clinician"),
        ("GET", route, 200, "clinician"),
        ("other", "none", 405, "nobody"),
        ("GET", "none", 404, "nobody"),
    ]
    assert all(line.keys() - {"time", "level", "logger", "event"} <= FIELDS for line in said)
    assert str(things.patient) not in str(said)
    assert said[0]["clinic_id"] == str(things.people["bob"].clinic_id)


def test_a_field_that_is_not_on_the_list_is_refused_here_and_dropped_there() -> None:
    with pytest.raises(FieldRefused, match="name"):
        log.info("hello", name=CANARY)
    with every_line() as lines:
        configure_fields()
        try:
            log.info("hello", name=CANARY, status=3)
        finally:
            configure_fields(refuse=True)
    (line,) = map(json.loads, lines.said)
    assert (line["event"], line["status"], line["dropped"]) == ("hello", 3, 1)


def test_the_net_catches(app: Flask) -> None:
    """Else a suite without a leak would prove nothing."""
    log.info("hello", error=f"about {CANARY}")
    (caught,) = NET.haul()
    assert "hello" in caught
