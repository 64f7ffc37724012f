"""PUT and GET /v1/check-ins."""

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.factories import Actors, check_in_body, new_id, signed_in


def test_a_check_in_is_stored_once_however_often_it_is_sent(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    url, headers = f"/v1/check-ins/{new_id()}", signed_in(app, actors.ada)
    body = check_in_body(clock(), craving=4.5, mood=6, used="no", triggers=["stress"])
    first = client.put(url, json=body, headers=headers)
    again = client.put(url, json=body, headers=headers)
    listed = client.get("/v1/check-ins", headers=headers)
    assert (first.status_code, again.status_code) == (201, 200), first.json
    assert first.json == again.json
    assert first.get_json()["counts"] is True
    assert first.get_json()["day"] == "2026-05-04"
    assert first.get_json()["support"]["lines"][0]["phone"] == "988"
    assert [item["craving"] for item in listed.get_json()["items"]] == [4.5]
