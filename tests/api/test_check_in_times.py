"""When a check-in was, by the phone's word, and which local day it belongs to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import Clock
from tests.database import rows
from tests.factories import Actors, check_in_body, new_id, signed_in

NEW_YORK, LORD_HOWE, APIA = "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"


def put(app: Flask, client: FlaskClient, actors: Actors, **fields: Any) -> TestResponse:
    body = check_in_body(datetime.now(UTC)) | fields
    return client.put(f"/v1/check-ins/{new_id()}", json=body, headers=signed_in(app, actors.ada))


@pytest.mark.parametrize(
    ("recorded_at", "zone", "day"),
    [
        # The evening lasts until 04:00.
        ("2026-05-05T01:30:00-04:00", NEW_YORK, "2026-05-04"),
        ("2026-05-05T03:59:59-04:00", NEW_YORK, "2026-05-04"),
        ("2026-05-05T04:00:00-04:00", NEW_YORK, "2026-05-05"),
        # Spring-forward, 02:00 to 03:00: four hours off the instant would give the day before.
        ("2026-03-08T01:59:59-05:00", NEW_YORK, "2026-03-07"),
        ("2026-03-08T03:59:59-04:00", NEW_YORK, "2026-03-07"),
        ("2026-03-08T04:30:00-04:00", NEW_YORK, "2026-03-08"),
        # Autumn: 01:30 comes twice, and both belong to the evening before.
        ("2026-11-01T01:30:00-04:00", NEW_YORK, "2026-10-31"),
        ("2026-11-01T01:30:00-05:00", NEW_YORK, "2026-10-31"),
        ("2026-11-01T03:59:00-05:00", NEW_YORK, "2026-10-31"),
        ("2026-11-01T04:00:00-05:00", NEW_YORK, "2026-11-01"),
        # Half an hour of DST.
        ("2026-04-05T01:45:00+11:00", LORD_HOWE, "2026-04-04"),
        ("2026-04-05T01:45:00+10:30", LORD_HOWE, "2026-04-04"),
        ("2026-04-05T04:00:00+10:30", LORD_HOWE, "2026-04-05"),
        ("2026-10-04T02:30:00+11:00", LORD_HOWE, "2026-10-03"),
        ("2026-10-04T04:15:00+11:00", LORD_HOWE, "2026-10-04"),
        # The far sides of the date line, which are the same instant a day apart.
        ("2026-05-05T09:00:00+13:00", APIA, "2026-05-05"),
        ("2026-05-04T09:00:00-11:00", "Pacific/Pago_Pago", "2026-05-04"),
        ("2026-05-05T10:00:00+14:00", "Pacific/Kiritimati", "2026-05-05"),
        ("2024-02-29T23:00:00Z", "UTC", "2024-02-29"),
    ],
)
def test_the_day_is_by_the_wall_clock_less_four_hours(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, recorded_at: str, zone: str, day: str
) -> None:
    clock.at = datetime.fromisoformat(recorded_at).astimezone(UTC) + timedelta(minutes=1)
    answer = put(app, client, actors, recorded_at=recorded_at, zone=zone)
    assert (answer.status_code, answer.get_json()["day"]) == (201, day), answer.get_json()
    assert answer.get_json()["offset_known"] is True


def test_the_day_that_apia_skipped(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    clock.at = datetime(2011, 12, 30, 18, tzinfo=UTC)
    days = [
        put(app, client, actors, recorded_at=at, zone=APIA).get_json()["day"]
        for at in ("2011-12-29T20:00:00-10:00", "2011-12-31T05:00:00+14:00", "2011-12-31T03:00:00+14:00")
    ]
    assert days == ["2011-12-29", "2011-12-31", "2011-12-30"]


def test_an_offset_that_the_zone_does_not_have_is_kept_and_flagged(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    for offset, minutes in (("+02:00", 120), ("-05:00", -300), ("+05:45", 345)):
        at = clock().astimezone(datetime.fromisoformat(f"2026-01-01T00:00{offset}").tzinfo)
        answer = put(app, client, actors, recorded_at=at.isoformat(), zone=NEW_YORK)
        assert (answer.status_code, answer.get_json()["offset_known"]) == (201, False)
        assert rows("SELECT offset_minutes FROM check_in WHERE id = :id", id=answer.get_json()["id"]) == [(minutes,)]


@pytest.mark.parametrize("instant", ["2026-05-04T20:00:00Z", "2026-05-04t20:00:00z", "2026-05-04T19:59:59.123456789Z"])
def test_every_way_of_rfc_3339_is_read(app: Flask, client: FlaskClient, actors: Actors, instant: str) -> None:
    assert put(app, client, actors, recorded_at=instant).status_code == 201
