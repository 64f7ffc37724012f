"""POST /v1/sync: what a phone gathered offline, and what changed meanwhile."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.services import changes
from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.database import digest, one, rows
from tests.factories import Actors, check_in_body, course_body, new_id, signed_in, urge_body

Sync = Callable[..., dict[str, Any]]


@pytest.fixture
def headers(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.ada)


@pytest.fixture
def sync(client: FlaskClient, headers: dict[str, str]) -> Sync:
    """Of Ada's phone."""

    def send(*items: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
        answer = client.post("/v1/sync", json={"items": items, "cursor": cursor}, headers=headers)
        assert answer.status_code == 200, answer.get_json()
        said: dict[str, Any] = answer.get_json()
        return said

    return send


def check_in(clock: Clock, back: int = 0, id_: str | None = None, **said: Any) -> dict[str, Any]:
    content = check_in_body(clock() - timedelta(days=back), **said)
    return {"kind": "check_in", "id": id_ or new_id(), "content": content}


def urge(clock: Clock, **said: Any) -> dict[str, Any]:
    return {"kind": "urge", "id": new_id(), "content": urge_body(clock(), **said)}


def outcomes(answer: dict[str, Any]) -> list[str]:
    return [result["result"] for result in answer["results"]]


def test_each_item_has_its_result_and_sent_again_changes_nothing(sync: Sync, clock: Clock) -> None:
    earlier = check_in(clock)
    earlier["content"]["recorded_at"] = (clock() - timedelta(hours=1)).isoformat()
    items = [check_in(clock), earlier, urge(clock), check_in(clock, craving=11), check_in(clock, back=30)]
    answer = sync(*items)
    assert outcomes(answer) == ["stored", "superseded", "stored", "refused", "stored"]
    assert answer["results"][1]["counting_id"] == items[0]["id"]
    problem = answer["results"][3]["problem"]
    assert (problem["type"], problem["status"]) == ("/problems/invalid", 422)
    assert [error["pointer"] for error in problem["errors"]] == ["#/content/craving"]
    assert answer["support"]["lines"][0]["phone"] == "988"
    assert answer["changes"]["check_ins"] == answer["changes"]["urges"] == []
    before = digest()
    again = sync(*items, cursor=answer["cursor"])
    assert outcomes(again) == ["unchanged", "unchanged", "unchanged", "refused", "unchanged"]
    assert again["changes"] == {"check_ins": [], "urges": [], "sessions": [], "profile": None, "gone": []}
    assert digest() == before
    assert rows("SELECT count(*) FROM quarantined_item") == [(1,)]


def test_a_hundred_in_any_order_and_however_split_are_the_same(
    app: Flask, client: FlaskClient, actors: Actors, sync: Sync, clock: Clock
) -> None:
    items = [check_in(clock, back=number % 34, craving=number % 11) for number in range(90)]
    items += items[:10]
    random.Random(7).shuffle(items)
    assert set(outcomes(sync(*items))) == {"stored", "superseded", "unchanged"}
    counting = dict(rows("SELECT day::text, id::text FROM check_in WHERE counts"))
    best = {}
    for item in sorted(items, key=lambda item: (item["content"]["recorded_at"], item["id"])):
        best[item["content"]["recorded_at"][:10]] = item["id"]
    assert counting == best
    assert one("SELECT count(*) FROM check_in") == 90


def test_edits_follow_the_version_that_they_name_in_whatever_order(sync: Sync, clock: Clock) -> None:
    first = check_in(clock)
    etag = f'"1-{first["id"].replace("-", "")}"'
    edit = first | {"content": first["content"] | {"craving": 7}, "if_match": etag}
    answer = sync(edit, first)
    assert outcomes(answer) == ["stored", "stored"]
    stale = first | {"content": first["content"] | {"craving": 8}, "if_match": etag}
    blind = first | {"content": first["content"] | {"craving": 9}}
    answer = sync(stale, blind, edit)
    assert [result.get("problem", {}).get("status") for result in answer["results"]] == [412, 428, None]
    assert outcomes(answer)[2] == "unchanged"
    assert rows("SELECT craving, version FROM check_in") == [(7, 2)]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"kind": "dream"}, "#/kind"),
        ({"id": "7"}, "#/id"),
        ({"content": "craving"}, "#/content"),
        ({"zebra": 1}, "#/zebra"),
        ({"if_match": 7}, "#/if_match"),
        ({"content": {"zone": "UTC", "form_version": "1", "craving": 3, "x": 1}}, "#/content/recorded_at"),
    ],
)
def test_an_item_that_cannot_be_read_stops_no_other_and_is_kept(
    sync: Sync, clock: Clock, wrong: dict[str, Any], pointer: str
) -> None:
    answer = sync(check_in(clock) | wrong, check_in(clock))
    assert outcomes(answer) == ["refused", "stored"]
    assert pointer in [error["pointer"] for error in answer["results"][0]["problem"]["errors"]]
    assert one("SELECT count(*) FROM quarantined_item") == 1


def test_a_put_and_a_sync_of_the_same_are_kept_once(
    client: FlaskClient, headers: dict[str, str], sync: Sync, clock: Clock
) -> None:
    item = check_in(clock, craving=11)
    client.put(f"/v1/check-ins/{item['id']}", json=item["content"], headers=headers)
    sync(item)
    assert one("SELECT count(*) FROM quarantined_item") == 1
    sync(item | {"content": item["content"] | {"craving": 10}})
    assert rows("SELECT outcome FROM quarantined_item") == [("superseded",)]


@pytest.mark.parametrize("wrong", [{"craving": 11}, {"zone": "Mars/Base"}, {"recorded_at": "2020-01-01T00:00:00Z"}, {}])
def test_a_yes_in_any_item_is_heard(sync: Sync, clock: Clock, wrong: dict[str, Any]) -> None:
    said = check_in(clock, self_harm_thoughts="yes")
    said["content"] |= wrong
    for _ in range(2):
        sync(check_in(clock), said, urge(clock))
    assert rows("SELECT rule, severity FROM alert") == [("safety_concern", "urgent")]
    assert one("SELECT count(*) FROM alert_email") == 1


def test_a_yes_in_what_cannot_be_read_at_all_is_heard(
    client: FlaskClient, headers: dict[str, str], clock: Clock
) -> None:
    yes = check_in(clock, self_harm_thoughts="yes")
    for body in (
        {"items": [yes], "x": 1},
        {"items": [yes] * 101},
        {"items": [yes], "cursor": "??"},
        {"items": [[yes]]},
    ):
        assert_problem(client.post("/v1/sync", json=body, headers=headers), 422)
    assert rows("SELECT rule FROM alert") == [("safety_concern",)]
    assert rows("SELECT * FROM check_in") == []


@pytest.mark.parametrize("cursor", ["x", "MS4x!", "Mi4x", "MS54", "MS4tMQ==", "\u0661"])
def test_a_cursor_that_is_not_ours_is_refused(client: FlaskClient, headers: dict[str, str], cursor: str) -> None:
    answer = client.post("/v1/sync", json={"items": [], "cursor": cursor}, headers=headers)
    assert_problem(answer, 422)
    assert pointers(answer) == ["#/cursor"]


def test_another_phone_hears_of_all_that_changed_and_once(
    app: Flask, client: FlaskClient, actors: Actors, sync: Sync, clock: Clock
) -> None:
    other = sync()
    own = {"zone": "America/New_York", "language": "en", "region": "US", "reminder_time": None}
    assert other["changes"]["profile"] == own
    first = check_in(clock)
    earlier = check_in(clock, id_="00000000-0000-4000-8000-000000000000")
    earlier["content"]["recorded_at"] = (clock() - timedelta(hours=1)).isoformat()
    sync(earlier, urge(clock))
    heard = sync(cursor=other["cursor"])
    assert [item["id"] for item in heard["changes"]["check_ins"]] == [earlier["id"]]
    assert len(heard["changes"]["urges"]) == 1
    # What takes the day changes the one that had it, too.
    sync(first)
    heard = sync(cursor=heard["cursor"])
    assert {item["id"]: item["counts"] for item in heard["changes"]["check_ins"]} == {
        first["id"]: True,
        earlier["id"]: False,
    }
    assert sync(cursor=heard["cursor"])["changes"]["check_ins"] == []


def test_sessions_the_profile_and_what_is_gone(
    app: Flask, client: FlaskClient, actors: Actors, headers: dict[str, str], sync: Sync
) -> None:
    bob, cursor = signed_in(app, actors.bob), sync()["cursor"]
    course = client.post(f"/v1/patients/{actors.ada.id}/courses", json=course_body(), headers=bob).get_json()["id"]
    heard = sync(cursor=cursor)
    sessions = heard["changes"]["sessions"]
    assert [session["number"] for session in sessions] == [1, 2, 3]
    client.patch(f"/v1/sessions/{sessions[0]['id']}", json={"state": "attended"}, headers=bob)
    assert client.patch(f"/v1/courses/{course}", json={"planned_sessions": 1}, headers=bob).status_code == 200
    client.patch("/v1/me", json={"zone": "Europe/London"}, headers=headers)
    heard = sync(cursor=heard["cursor"])
    assert [session["state"] for session in heard["changes"]["sessions"]] == ["attended"]
    assert {gone["id"] for gone in heard["changes"]["gone"]} == {session["id"] for session in sessions[1:]}
    assert {gone["kind"] for gone in heard["changes"]["gone"]} == {"session"}
    assert heard["changes"]["profile"]["zone"] == "Europe/London"
    for planned in (2, 50):
        assert client.patch(f"/v1/courses/{course}", json={"planned_sessions": planned}, headers=bob).status_code == 409


def test_an_attended_session_stays(app: Flask, client: FlaskClient, actors: Actors, sync: Sync) -> None:
    bob = signed_in(app, actors.bob)
    course = client.post(f"/v1/patients/{actors.ada.id}/courses", json=course_body(), headers=bob).get_json()["id"]
    last = sync()["changes"]["sessions"][-1]
    client.patch(f"/v1/sessions/{last['id']}", json={"state": "attended"}, headers=bob)
    assert_problem(client.patch(f"/v1/courses/{course}", json={"planned_sessions": 1}, headers=bob), 409)
    assert one("SELECT count(*) FROM session") == 3


def test_a_long_past_comes_in_parts(sync: Sync, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", 7)
    items = [check_in(clock, back=number) for number in range(20)] + [urge(clock) for _ in range(5)]
    sync(*items)
    heard, cursor, parts = [], None, 0
    while True:
        answer = sync(cursor=cursor)
        heard += answer["changes"]["check_ins"] + answer["changes"]["urges"]
        cursor, parts = answer["cursor"], parts + 1
        if not answer["more"]:
            break
    assert sorted(item["id"] for item in heard) == sorted(item["id"] for item in items)
    assert parts == 4


def test_a_cursor_of_another_past_starts_anew(sync: Sync, clock: Clock) -> None:
    sync(check_in(clock))
    answer = sync(cursor="MS45OTk5OTk=")
    assert (answer["reset"], len(answer["changes"]["check_ins"])) == (True, 1)
    assert sync(cursor=answer["cursor"])["reset"] is False


def test_whoever_takes_no_part_is_told_for_each_and_hears_what_there_was(
    client: FlaskClient, headers: dict[str, str], sync: Sync, clock: Clock
) -> None:
    sync(kept := check_in(clock))
    (consent,) = client.get("/v1/consents", headers=headers).get_json()["items"]
    client.delete(f"/v1/consents/{consent['id']}", headers=headers)
    answer = sync(check_in(clock), urge(clock), kept)
    assert [result.get("problem", {}).get("status") for result in answer["results"]] == [403, 403, None]
    assert len(answer["changes"]["check_ins"]) == 1
