"""S9: a time that cannot be right is refused with the reason, and nothing of it is stored."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.problem import assert_problem, pointers
from tests.api.test_check_in_times import put
from tests.conftest import Clock
from tests.database import digest
from tests.factories import Actors, check_in_body, new_id, signed_in


@pytest.mark.parametrize(
    ("lapse", "status"),
    [
        (timedelta(minutes=5), 201),
        (timedelta(minutes=5, microseconds=1), 422),
        (timedelta(minutes=5, seconds=1), 422),
        (timedelta(days=400), 422),
        (-timedelta(days=35), 201),
        (-timedelta(days=35, microseconds=1), 422),
        (-timedelta(days=3650), 422),
    ],
)
def test_a_time_that_cannot_be_right_is_refused_with_the_reason(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, lapse: timedelta, status: int
) -> None:
    headers = signed_in(app, actors.ada)
    before = digest()
    body = check_in_body(clock()) | {"recorded_at": (clock() + lapse).isoformat()}
    answer = client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers)
    assert answer.status_code == status
    if status == 422:
        assert_problem(answer, 422)
        assert pointers(answer) == ["#/recorded_at"]
        assert ("future" if lapse > timedelta(0) else "35 days") in answer.get_json()["detail"]
        assert digest() == before


@pytest.mark.parametrize(
    "instant",
    [
        "2026-05-04T20:00:00",
        "2026-05-04",
        "2026-05-04 20:00:00Z",
        "2026-W19-1T20:00:00Z",
        "20260504T200000Z",
        "2026-05-04T20:00:00,5Z",
        "2026-05-04T20:00:00Z\0",
        "2026-05-04T20:00:00+25:00",
        "2026-05-04T20:00:00+00",
        "2026-05-04T20:00:60Z",
        "2026-05-04T24:00:00Z",
        "2026-02-29T20:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59Z",
        "\u0662\u0660\u0662\u0666-05-04T20:00:00Z",
        "yesterday",
        1777924800,
    ],
)
def test_what_is_no_instant_with_an_offset_is_refused(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, instant: object
) -> None:
    headers = signed_in(app, actors.ada)
    before = digest()
    body = check_in_body(clock()) | {"recorded_at": instant}
    answer = client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers)
    assert_problem(answer, 422)
    assert pointers(answer) == ["#/recorded_at"]
    assert answer.get_json()["errors"][0]["detail"]
    assert digest() == before


@pytest.mark.parametrize(
    "zone", ["Mars/Base", "EST5EDT4", "localtime", "../../etc/passwd", "/etc/localtime", "america/new_york", "+02:00"]
)
def test_an_unknown_zone_is_refused(app: Flask, client: FlaskClient, actors: Actors, clock: Clock, zone: str) -> None:
    answer = put(app, client, actors, recorded_at=clock().isoformat(), zone=zone)
    assert_problem(answer, 422)
    assert pointers(answer) == ["#/zone"]
    assert zone not in answer.get_data(as_text=True)
