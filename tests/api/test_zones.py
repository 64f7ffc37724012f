"""The history of a patient's zones: each change with who said so, for the clinic and in the patient's own copy."""

from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.archive import export_of
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import PASSWORD, Actors, check_in_body, new_id, signed_in


def history(app: Flask, client: FlaskClient, actors: Actors) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/patients/{actors.ada.id}/zones", headers=signed_in(app, actors.bob))
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_each_change_is_kept_with_who_said_so(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    bob, ada, url = actors.bob, actors.ada, f"/v1/patients/{actors.ada.id}"
    for call, who, zone in (
        ("/v1/me", ada, "Asia/Tokyo"),
        (url, bob, "Europe/Oslo"),
        ("/v1/me", ada, "Asia/Tokyo"),
    ):
        clock.pass_by(hours=1)
        # What is so already is no change.
        for _ in range(2):
            assert (
                client.patch(call, json={"zone": zone, "language": "es"}, headers=signed_in(app, who)).status_code
                == 200
            )
    bobs = str(actors.bob.id)
    assert [(one["zone"], one["since"], one["told_by"], one["member_id"]) for one in history(app, client, actors)] == [
        ("Asia/Tokyo", "2026-05-04T23:00:00Z", "patient", None),
        ("Europe/Oslo", "2026-05-04T22:00:00Z", "clinic", bobs),
        ("Asia/Tokyo", "2026-05-04T21:00:00Z", "patient", None),
        ("America/New_York", "2026-05-04T20:00:00Z", "enrollment", None),
        ("America/New_York", "2026-05-04T20:00:00Z", "clinic", bobs),
    ]


def test_a_new_phone_says_where_it_is(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    clock.pass_by(hours=1)
    invited = client.post(f"/v1/patients/{actors.ada.id}/invites", headers=signed_in(app, actors.bob)).get_json()
    said = {"code": invited["code"], "password": PASSWORD, "device": "phone", "zone": "Europe/Lisbon"}
    assert client.post("/v1/enrollments", json=said).status_code == 201
    newest = history(app, client, actors)[0]
    assert (newest["zone"], newest["told_by"]) == ("Europe/Lisbon", "enrollment")


def test_what_is_refused_is_no_history(app: Flask, client: FlaskClient, actors: Actors) -> None:
    before = history(app, client, actors)
    for url, who in (("/v1/me", actors.ada), (f"/v1/patients/{actors.ada.id}", actors.bob)):
        assert client.patch(url, json={"zone": "Mars/Base"}, headers=signed_in(app, who)).status_code == 422
    assert history(app, client, actors) == before


def test_the_patients_copy_has_it(app: Flask, client: FlaskClient, actors: Actors) -> None:
    client.patch("/v1/me", json={"zone": "Asia/Tokyo"}, headers=signed_in(app, actors.ada))
    told = export_of(app, client, actors.ada).rows["zones"]
    assert [(one["number"], one["zone"], one["told_by"]) for one in told] == [
        (1, "America/New_York", "clinic"),
        (2, "America/New_York", "enrollment"),
        (3, "Asia/Tokyo", "patient"),
    ]


def test_what_the_clinic_believed_before_the_phone_was_in_cuts_nothing_short(
    app: Flask, client: FlaskClient, actors: Actors
) -> None:
    bob = signed_in(app, actors.bob)
    eve = client.post("/v1/patients", json={"zone": "Pacific/Pago_Pago"}, headers=bob).get_json()
    invited = client.post(f"/v1/patients/{eve['id']}/invites", headers=bob).get_json()
    said = {"code": invited["code"], "password": PASSWORD, "device": "phone", "zone": "Pacific/Kiritimati"}
    assert client.post("/v1/enrollments", json=said).status_code == 201
    kept = rows("SELECT days_cut_short, closed_elsewhere FROM patient WHERE id = :id", id=eve["id"])
    assert kept == [([], None)]


def test_a_day_that_travel_took_breaks_no_streak_and_is_told(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    ada = signed_in(app, actors.ada)
    client.patch("/v1/me", json={"zone": "America/Los_Angeles"}, headers=ada)

    def check_in(zone: str) -> None:
        body = check_in_body(clock(), zone=zone)
        assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=signed_in(app, actors.ada)).status_code == 201

    check_in("America/Los_Angeles")
    clock.at += timedelta(days=1)
    # Landed in Sydney on the 6th; there was hardly a 5th.
    client.patch("/v1/me", json={"zone": "Australia/Sydney"}, headers=signed_in(app, actors.ada))
    check_in("Australia/Sydney")
    today = client.get("/v1/today", headers=signed_in(app, actors.ada)).get_json()
    assert (today["day"], today["streak"]) == ("2026-05-06", 2)
    assert [(day["day"], day["done"], day["cut_short"]) for day in today["last_days"][:3]] == [
        ("2026-05-06", True, False),
        ("2026-05-05", False, True),
        ("2026-05-04", True, False),
    ]


def test_a_zone_set_by_mistake_and_put_right_before_anybody_looked_changes_no_day(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    bob, url = signed_in(app, actors.bob), f"/v1/patients/{actors.ada.id}"
    for zone in ("Pacific/Kiritimati", "America/New_York"):
        assert client.patch(url, json={"zone": zone}, headers=bob).status_code == 200
        clock.pass_by(minutes=1)
    assert rows("SELECT days_cut_short, closed_elsewhere FROM patient") == [([], None)]
    assert one("SELECT due_at FROM watch").isoformat() == "2026-05-05T08:00:00+00:00"
