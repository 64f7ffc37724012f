"""PUT and GET /v1/urges."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import digest, one, rows
from tests.factories import CANARY, Actors, new_id, signed_in, urge_body


@pytest.fixture
def headers(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.ada)


def test_any_number_a_day_and_each_once(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    ids = [new_id() for _ in range(3)]
    for minute, id_ in enumerate(ids):
        body = urge_body(clock.at.replace(minute=0) - clock.at.resolution * minute, craving=minute, triggers=["stress"])
        statuses = [client.put(f"/v1/urges/{id_}", json=body, headers=headers).status_code for _ in range(2)]
        assert statuses == [201, 200]
    answer = client.get("/v1/urges", headers=headers).get_json()
    assert [item["craving"] for item in answer["items"]] == [0, 1, 2]
    seen = client.get(f"/v1/patients/{actors.ada.id}/urges?limit=2", headers=signed_in(app, actors.bob)).get_json()
    assert [item["id"] for item in seen["items"]] == ids[:2]
    assert seen["next_cursor"]
    # The trend engine does not read them, so nobody is looked at anew.
    assert rows("SELECT * FROM check_in") == []


def test_an_answer_carries_support_and_its_etag(client: FlaskClient, headers: dict[str, str], clock: Clock) -> None:
    answer = client.put(f"/v1/urges/{new_id()}", json=urge_body(clock(), used="no"), headers=headers)
    assert answer.get_json()["support"]["lines"][0]["phone"] == "988"
    assert answer.headers["ETag"] == answer.get_json()["etag"]
    shown = client.get(f"/v1/urges/{answer.get_json()['id']}", headers=headers)
    assert (shown.headers["ETag"], shown.get_json()["used"]) == (answer.headers["ETag"], "no")


def test_edits_are_as_those_of_check_ins(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], clock: Clock
) -> None:
    id_, body = new_id(), urge_body(clock(), note=f"{CANARY} one")
    url = f"/v1/urges/{id_}"
    tag = client.put(url, json=body, headers=headers).headers["ETag"]
    changed = body | {"used": "yes", "note": f"{CANARY} two"}
    assert_problem(client.put(url, json=changed, headers=headers), 428)
    assert_problem(client.put(url, json=changed, headers=headers | {"If-Match": '"1-other"'}), 412)
    assert client.put(url, json=changed, headers=headers | {"If-Match": tag}).get_json()["version"] == 2
    before = digest()
    assert client.put(url, json=changed, headers=headers | {"If-Match": tag}).status_code == 200
    assert digest() == before
    versions = f"/v1/patients/{actors.ada.id}/urges/{id_}/versions"
    (earlier,) = client.get(versions, headers=signed_in(app, actors.bob)).get_json()["items"]
    assert (earlier["version"], earlier["used"], earlier["note"]) == (1, None, f"{CANARY} one")
    assert CANARY not in str(rows("SELECT t::text, encode(note_sealed, 'escape') FROM urge_version t"))


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"craving": None}, "#/craving"),
        ({"craving": 10.5}, "#/craving"),
        ({"mood": 3}, "#/mood"),
        ({"triggers": ["tea"]}, "#/triggers/0"),
        ({"triggers": ["stress", "stress"]}, "#/triggers"),
        ({"recorded_at": "2020-01-01T00:00:00Z"}, "#/recorded_at"),
        ({"zone": "Mars/Base"}, "#/zone"),
    ],
)
def test_what_cannot_be_is_refused(
    client: FlaskClient, headers: dict[str, str], clock: Clock, wrong: dict[str, Any], pointer: str
) -> None:
    answer = client.put(f"/v1/urges/{new_id()}", json=urge_body(clock()) | wrong, headers=headers)
    assert_problem(answer, 422)
    assert pointers(answer) == [pointer]
    assert one("SELECT count(*) FROM urge") == 0


def test_a_yes_that_has_no_place_there_is_heard(client: FlaskClient, headers: dict[str, str], clock: Clock) -> None:
    body = urge_body(clock(), self_harm_thoughts="yes")
    assert_problem(client.put(f"/v1/urges/{new_id()}", json=body, headers=headers), 422)
    assert rows("SELECT rule, severity FROM alert") == [("safety_concern", "urgent")]
