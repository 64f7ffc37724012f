"""Two phones of one patient at one moment, for real: one edit is taken, the other is told so, and nothing is lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import Actors, check_in_body, new_id, signed_in, urge_body

PHONES = 5


@dataclass(frozen=True, slots=True)
class Heard:
    """What a phone was told: as the status of a PUT, whichever way it asked."""

    craving: int
    status: int


@dataclass(frozen=True, slots=True)
class Ways:
    """One patient's reports of one kind, under one id."""

    app: Flask
    headers: Mapping[str, str]
    kind: str
    id: str
    body: Mapping[str, Any]

    @property
    def url(self) -> str:
        return f"/v1/{self.kind.replace('_', '-')}s/{self.id}"

    def put(self, craving: int, etag: str | None) -> Heard:
        headers = {**self.headers, **({"If-Match": etag} if etag else {})}
        answer = self.app.test_client().put(self.url, json={**self.body, "craving": craving}, headers=headers)
        return Heard(craving, answer.status_code)

    def sync(self, craving: int, etag: str | None) -> Heard:
        item = {"kind": self.kind, "id": self.id, "content": {**self.body, "craving": craving}}
        item |= {"if_match": etag} if etag else {}
        answer = self.app.test_client().post("/v1/sync", json={"items": [item]}, headers=self.headers)
        assert answer.status_code == 200
        (result,) = answer.get_json()["results"]
        taken = 201 if result["result"] == "stored" and etag is None else 200
        return Heard(craving, result["problem"]["status"] if result["result"] == "refused" else taken)

    def etag(self, client: FlaskClient) -> str:
        tag: str = client.get(self.url, headers=self.headers).headers["ETag"]
        return tag

    def said(self) -> list[tuple[int, int]]:
        """Every version that is kept, with its craving."""
        found = rows(
            f"""SELECT version, craving FROM {self.kind} WHERE id = :id
                UNION ALL SELECT version, craving FROM {self.kind}_version WHERE id = :id ORDER BY 1""",  # noqa: S608
            id=self.id,
        )
        return [(version, int(craving)) for version, craving in found]


Way = Callable[[Ways, int, str | None], Heard]
WAYS: dict[str, list[Way]] = {
    "each puts": [Ways.put] * PHONES,
    "each syncs": [Ways.sync] * PHONES,
    "some of both": [Ways.put, Ways.sync, Ways.put, Ways.sync, Ways.put],
}


@pytest.fixture(params=["check_in", "urge"])
def ways(request: pytest.FixtureRequest, app: Flask, actors: Actors, clock: Clock) -> Ways:
    body = check_in_body(clock()) if request.param == "check_in" else urge_body(clock())
    return Ways(app, signed_in(app, actors.ada), request.param, new_id(), body)


def at_once(ways: Ways, asked: list[Way], etag: str | None) -> list[Heard]:
    return list(concurrently(ways.app, *(partial(way, ways, craving, etag) for craving, way in enumerate(asked))))


@pytest.mark.parametrize("asked", WAYS.values(), ids=WAYS)
def test_of_edits_of_one_version_one_is_taken(client: FlaskClient, ways: Ways, asked: list[Way]) -> None:
    assert ways.put(9, None).status == 201
    heard = at_once(ways, asked, ways.etag(client))
    assert sorted(one.status for one in heard) == [200] + [412] * (PHONES - 1)
    (taken,) = (one.craving for one in heard if one.status == 200)
    assert ways.said() == [(1, 9), (2, taken)]
    # Whoever was told reads it, and edits that: every version is kept.
    told = [one.craving for one in heard if one.status == 412]
    for craving in told:
        assert ways.put(craving, ways.etag(client)).status == 200
    assert [craving for _, craving in ways.said()] == [9, taken, *told]


@pytest.mark.parametrize("asked", WAYS.values(), ids=WAYS)
def test_of_reports_under_one_new_id_one_is_stored(ways: Ways, asked: list[Way]) -> None:
    heard = at_once(ways, asked, None)
    assert sorted(one.status for one in heard) == [201] + [428] * (PHONES - 1)
    (taken,) = (one.craving for one in heard if one.status == 201)
    assert ways.said() == [(1, taken)]


def test_the_same_edit_from_two_phones_is_one(client: FlaskClient, ways: Ways) -> None:
    ways.put(9, None)
    etag = ways.etag(client)
    heard = concurrently(ways.app, *(partial(way, ways, 4, etag) for way in (Ways.put, Ways.sync) * 2))
    assert [one.status for one in heard] == [200] * 4
    assert ways.said() == [(1, 9), (2, 4)]


def test_an_edit_that_was_not_taken_and_says_yes_is_heard_once(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    ways = Ways(app, signed_in(app, actors.ada), "check_in", new_id(), check_in_body(clock()))
    ways.put(9, None)
    yes = replace(ways, body=check_in_body(clock(), self_harm_thoughts="yes"))
    heard = at_once(yes, WAYS["some of both"], ways.etag(client))
    assert sorted(one.status for one in heard) == [200] + [412] * (PHONES - 1)
    assert one("SELECT count(*) FROM alert WHERE rule = 'safety_concern'") == 1
    assert one("SELECT count(*) FROM alert_email") == 1
