"""Edits of a check-in: If-Match, versions, and which report counts."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.models import CheckInVersion
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.database import digest, one, rows
from tests.factories import CANARY, Actors, check_in_body, make_patient, new_id, signed_in

Put = Callable[..., TestResponse]
COUNTING = "SELECT day::text, id::text FROM check_in WHERE counts ORDER BY day"


@pytest.fixture
def put(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> Put:
    """Of Ada's phone: an id, what it says, and perhaps the version that it edits."""

    signed: dict[datetime, dict[str, str]] = {}

    def send(id_: str, body: dict[str, Any], etag: str | None = None) -> TestResponse:
        if clock() not in signed:
            signed[clock()] = signed_in(app, actors.ada)
        headers = signed[clock()] | ({"If-Match": etag} if etag else {})
        return client.put(f"/v1/check-ins/{id_}", json=body, headers=headers)

    return send


def test_an_edit_is_in_force_and_every_version_is_kept(
    app: Flask, client: FlaskClient, put: Put, actors: Actors, clock: Clock
) -> None:
    id_, body = new_id(), check_in_body(clock(), note=f"{CANARY} one")
    first = put(id_, body)
    clock.pass_by(minutes=5)
    second = put(id_, body | {"craving": 4, "note": f"{CANARY} two"}, first.headers["ETag"])
    clock.pass_by(minutes=5)
    third = put(id_, body | {"craving": 5, "note": None}, second.headers["ETag"])
    assert [answer.status_code for answer in (first, second, third)] == [201, 200, 200]
    assert [answer.get_json()["version"] for answer in (first, second, third)] == [1, 2, 3]
    assert len({answer.headers["ETag"] for answer in (first, second, third)}) == 3
    shown = client.get(f"/v1/check-ins/{id_}", headers=signed_in(app, actors.ada))
    assert (shown.get_json()["craving"], shown.headers["ETag"]) == (5, third.headers["ETag"])
    assert shown.get_json()["received_at"] == first.get_json()["received_at"]
    url = f"/v1/patients/{actors.ada.id}/check-ins/{id_}/versions"
    earlier = client.get(url, headers=signed_in(app, actors.bob)).get_json()["items"]
    assert [(said["version"], said["craving"], said["note"]) for said in earlier] == [
        (2, 4, f"{CANARY} two"),
        (1, 3, f"{CANARY} one"),
    ]
    assert [said["replaced_at"] for said in earlier] == ["2026-05-04T20:10:00Z", "2026-05-04T20:05:00Z"]
    assert [said["received_at"] for said in earlier] == ["2026-05-04T20:05:00Z", "2026-05-04T20:00:00Z"]


def test_the_same_content_is_compared_before_if_match(put: Put, clock: Clock) -> None:
    """A retried edit, whose first answer was lost, still names the version before."""
    id_, body = new_id(), check_in_body(clock())
    etag = put(id_, body).headers["ETag"]
    edited = put(id_, body | {"craving": 4}, etag)
    before = digest()
    for named in (etag, '"anything"', None):
        again = put(id_, body | {"craving": 4}, named)
        assert (again.status_code, again.get_json()) == (200, edited.get_json())
        assert again.headers["ETag"] == edited.headers["ETag"]
    assert digest() == before


@pytest.mark.parametrize("named", ['"1-stale"', 'W/"{etag}"', "nothing", '"a", "b"', ""])
def test_an_edit_of_another_version_is_refused(put: Put, clock: Clock, named: str) -> None:
    id_, body = new_id(), check_in_body(clock())
    etag = put(id_, body).headers["ETag"]
    before = digest()
    wrong = named.replace('"{etag}"', etag)
    assert_problem(put(id_, body | {"craving": 4}, wrong or " "), 412)
    assert_problem(put(id_, body | {"craving": 4}), 428)
    assert_problem(put(new_id(), body, etag), 412)
    assert digest() == before


def test_any_version_and_one_of_several(put: Put, clock: Clock) -> None:
    id_, body = new_id(), check_in_body(clock())
    etag = put(id_, body).headers["ETag"]
    assert put(id_, body | {"craving": 4}, f'"other", {etag}').get_json()["version"] == 2
    assert put(id_, body | {"craving": 5}, "*").get_json()["version"] == 3
    assert_problem(put(id_, body | {"craving": 6}, etag), 412)


def test_the_tag_stays_when_another_report_takes_the_day(put: Put, clock: Clock) -> None:
    first, later = new_id(), new_id()
    body = check_in_body(clock() - timedelta(hours=2))
    tag = put(first, body).headers["ETag"]
    assert put(later, check_in_body(clock())).get_json()["counting_id"] == later
    again = put(first, body)
    assert (again.get_json()["counts"], again.get_json()["counting_id"]) == (False, later)
    assert again.headers["ETag"] == tag
    assert put(first, body | {"craving": 7}, tag).status_code == 200


def test_an_edit_that_moves_the_day_settles_both_days(put: Put, clock: Clock) -> None:
    low, moving, other = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
    today, yesterday = clock(), clock() - timedelta(days=1)
    put(low, check_in_body(today - timedelta(hours=3)))
    put(other, check_in_body(yesterday - timedelta(hours=3)))
    tag = put(moving, check_in_body(today - timedelta(hours=1))).headers["ETag"]
    assert rows(COUNTING) == [("2026-05-03", other), ("2026-05-04", moving)]
    moved = put(moving, check_in_body(yesterday), tag)
    assert (moved.get_json()["day"], moved.get_json()["counts"]) == ("2026-05-03", True)
    assert rows(COUNTING) == [("2026-05-03", moving), ("2026-05-04", low)]
    # And back, to before the one that took its place.
    back = put(moving, check_in_body(today - timedelta(hours=4)), moved.headers["ETag"])
    assert (back.get_json()["counts"], back.get_json()["counting_id"]) == (False, low)
    assert rows(COUNTING) == [("2026-05-03", other), ("2026-05-04", low)]


def test_an_edit_that_gets_earlier_hands_the_day_on(put: Put, clock: Clock) -> None:
    first, second = sorted([new_id(), new_id()])
    put(first, check_in_body(clock() - timedelta(hours=1)))
    tag = put(second, check_in_body(clock())).headers["ETag"]
    put(second, check_in_body(clock() - timedelta(hours=2)), tag)
    assert rows(COUNTING) == [("2026-05-04", first)]
    put(second, check_in_body(clock() - timedelta(hours=1)), "*")
    assert rows(COUNTING) == [("2026-05-04", second)]


def test_an_old_check_in_can_be_corrected_but_not_moved_to_an_old_day(put: Put, clock: Clock) -> None:
    id_, body = new_id(), check_in_body(clock())
    put(id_, body)
    clock.pass_by(days=50)
    edited = put(id_, body | {"craving": 8}, "*")
    assert (edited.status_code, edited.get_json()["craving"]) == (200, 8)
    earlier = (clock() - timedelta(days=49)).isoformat()
    assert_problem(put(id_, body | {"recorded_at": earlier}, "*"), 422)


@pytest.mark.parametrize("wrong", [{"craving": 11}, {"zone": "Mars/Base"}, {"recorded_at": "2020-01-01T00:00:00Z"}])
def test_an_edit_that_cannot_be_changes_nothing(put: Put, clock: Clock, wrong: dict[str, Any]) -> None:
    id_, body = new_id(), check_in_body(clock())
    put(id_, body)
    assert_problem(put(id_, body | wrong, "*"), 422)
    assert one("SELECT version FROM check_in") == 1
    assert rows("SELECT * FROM check_in_version") == []


def test_another_patients_versions_are_not_there(
    app: Flask, client: FlaskClient, put: Put, actors: Actors, clock: Clock
) -> None:
    eve = make_patient(actors.bob, clock())
    id_ = new_id()
    put(id_, check_in_body(clock()))
    answer = client.get(f"/v1/patients/{eve.id}/check-ins/{id_}/versions", headers=signed_in(app, actors.bob))
    assert_problem(answer, 404)


def test_notes_of_earlier_versions_are_sealed_each_for_its_place(put: Put, clock: Clock) -> None:
    id_, body = new_id(), check_in_body(clock())
    for number in range(3):
        put(id_, body | {"note": f"{CANARY} {number}"}, "*" if number else None)
    assert CANARY not in str(rows("SELECT t::text, encode(note_sealed, 'escape') FROM check_in_version t"))
    kept = db.session.query(CheckInVersion).order_by(CheckInVersion.version).all()
    assert [earlier.note for earlier in kept] == [f"{CANARY} 0", f"{CANARY} 1"]


def test_of_two_edits_of_one_version_the_second_is_refused(put: Put, clock: Clock) -> None:
    id_, body = new_id(), check_in_body(clock())
    tag = put(id_, body).headers["ETag"]
    found = [put(id_, body | {"craving": craving}, tag).status_code for craving in (4, 5)]
    assert found == [200, 412]


SAFETY = "SELECT kind FROM alert_event JOIN alert ON alert.id = alert_id WHERE rule = 'safety_concern' ORDER BY at"


def test_a_yes_in_an_edit_is_heard_once(put: Put, clock: Clock) -> None:
    id_, body = new_id(), check_in_body(clock(), self_harm_thoughts="no")
    put(id_, body)
    put(id_, body | {"self_harm_thoughts": "yes"}, "*")
    assert rows(SAFETY) == [("raised",)]
    clock.pass_by(minutes=1)
    assert put(id_, body | {"self_harm_thoughts": "yes", "mood": 3}, "*").status_code == 200
    assert rows(SAFETY) == [("raised",)]
    # Taken back and said again, it is another yes.
    put(id_, body | {"mood": 3}, "*")
    clock.pass_by(minutes=1)
    put(id_, body | {"self_harm_thoughts": "yes"}, "*")
    assert rows(SAFETY) == [("raised",), ("repeated",)]


def test_a_yes_that_an_edit_leaves_is_heard_again_when_its_alert_is_closed(
    app: Flask, client: FlaskClient, put: Put, actors: Actors, clock: Clock
) -> None:
    id_, body = new_id(), check_in_body(clock(), self_harm_thoughts="yes")
    put(id_, body)
    alert = one("SELECT id FROM alert")
    client.post(
        f"/v1/alerts/{alert}/resolve",
        json={"outcome": "contacted_patient", "note": "by phone"},
        headers=signed_in(app, actors.bob),
    )
    clock.pass_by(minutes=1)
    put(id_, body | {"mood": 1}, "*")
    assert rows("SELECT state FROM alert ORDER BY raised_at") == [("resolved",), ("open",)]


@pytest.mark.parametrize("named", ['"1-stale"', None])
def test_a_yes_in_a_conflicting_edit_is_heard(put: Put, clock: Clock, named: str | None) -> None:
    id_, body = new_id(), check_in_body(clock())
    put(id_, body)
    for _ in range(2):
        assert put(id_, body | {"self_harm_thoughts": "yes"}, named).status_code in (412, 428)
    assert rows(SAFETY) == [("raised",)]
