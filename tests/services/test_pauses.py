"""Pauses, from the request to the silence that they are not."""

import uuid
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from server.extensions import db
from server.models import Pause
from server.services import identities, patients
from server.services.records import record_of
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import Actors, signed_in
from tests.services.test_rules_in_watch import days, told

PAUSES = "SELECT first_day, last_day, begun_by, ended_by FROM pause ORDER BY begun_at"
NIGHT = {"hours": 6}  # from 20:00 UTC, 16:00 in New York, to two in the morning: still the same local day


def pause(actors: Actors, clock: Clock, *, paused: bool, **fields: object) -> None:
    patients.change_patient(identities.of_member(actors.bob), actors.ada.id, {"paused": paused, **fields}, clock())
    db.session.commit()


def paused_days(actors: Actors, clock: Clock) -> list[int]:
    db.session.rollback()
    return sorted(day.day for day in record_of(actors.ada, clock()).paused)


def test_a_pause_has_its_days_and_who_said_so(actors: Actors, clock: Clock) -> None:
    pause(actors, clock, paused=True)
    assert actors.ada.paused
    clock.pass_by(days=2)
    pause(actors, clock, paused=True)
    assert rows(PAUSES) == [(date(2026, 5, 4), None, actors.bob.id, None)]
    assert paused_days(actors, clock) == [4, 5]  # the 6th is not over
    pause(actors, clock, paused=False)
    pause(actors, clock, paused=False)
    assert not actors.ada.paused
    assert rows(PAUSES) == [(date(2026, 5, 4), date(2026, 5, 6), actors.bob.id, actors.bob.id)]
    clock.pass_by(days=3)
    assert paused_days(actors, clock) == [4, 5, 6]


def test_set_and_lifted_on_one_day_it_is_a_pause_of_that_day(actors: Actors, clock: Clock) -> None:
    for _ in range(2):
        pause(actors, clock, paused=True)
        clock.pass_by(hours=3)
        pause(actors, clock, paused=False)
    clock.pass_by(days=2)
    assert [row[:2] for row in rows(PAUSES)] == [(date(2026, 5, 4), date(2026, 5, 4))] * 2
    assert paused_days(actors, clock) == [4]


def test_its_days_are_the_patients_own(actors: Actors, clock: Clock) -> None:
    clock.pass_by(**NIGHT)
    pause(actors, clock, paused=True, zone="Asia/Tokyo")  # eleven in the morning of the 5th
    clock.pass_by(hours=1)
    pause(actors, clock, paused=False, zone="Pacific/Honolulu")  # back on the 4th
    assert rows("SELECT first_day, last_day FROM pause") == [(date(2026, 5, 5), date(2026, 5, 5))]


def test_a_patient_may_begin_with_a_pause(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.bob)
    for paused in (True, False):
        made = client.post("/v1/patients", json={"zone": "Europe/Oslo", "paused": paused}, headers=headers)
        assert (made.status_code, made.get_json()["paused"]) == (201, paused)
    assert [row[:3] for row in rows(PAUSES)] == [(date(2026, 5, 4), None, actors.bob.id)]
    listed = client.get("/v1/patients", headers=headers).get_json()["items"]
    assert sorted(patient["paused"] for patient in listed) == [False, False, True]


def test_a_request_that_is_refused_pauses_nobody(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.bob)
    before = digest()
    wrong = {"paused": True, "zone": "Mars/Base"}
    refused = client.patch(f"/v1/patients/{actors.ada.id}", json=wrong, headers=headers)
    assert (refused.status_code, digest()) == (422, before)


def test_two_at_once_open_one_pause(app: Flask, actors: Actors, clock: Clock) -> None:
    bob, ada, at = identities.of_member(actors.bob), actors.ada.id, clock()

    def patch() -> None:
        patients.change_patient(bob, ada, {"paused": True}, at)
        db.session.commit()

    concurrently(app, *[patch] * 5)
    assert one("SELECT count(*) FROM pause") == 1


def test_the_database_holds_it_too(actors: Actors, clock: Clock) -> None:
    pause(actors, clock, paused=True)
    db.session.add(Pause(patient_id=actors.ada.id, first_day=date(2026, 6, 1), begun_at=clock()))
    with pytest.raises(IntegrityError, match="uq_pause_open"):
        db.session.flush()
    db.session.rollback()
    for wrong in (
        "UPDATE pause SET last_day = first_day - 1, ended_at = begun_at",
        "UPDATE pause SET last_day = first_day",
        "UPDATE pause SET ended_at = begun_at",
    ):
        with pytest.raises(IntegrityError, match="ck_pause"):
            change(wrong)


def test_nobody_is_called_silent_because_of_a_pause(actors: Actors, clock: Clock) -> None:
    days(actors.ada, clock, "x" * 14 + "  ")  # 4 to 19 May
    pause(actors, clock, paused=True)
    days(actors.ada, clock, " " * 20)
    pause(actors, clock, paused=False)  # on 9 June
    days(actors.ada, clock, " " * 7)
    assert rows("SELECT * FROM alert") == []
    days(actors.ada, clock, " ")
    assert told("gone_silent") == [("raised", "routine", date(2026, 6, 16))]
    assert one("SELECT sentence FROM alert") == (
        "No check-in for 7 days, since the pause ended on 9 June; this patient checked in on 14 of 16 days before."
    )


def test_a_pause_takes_back_no_silence_of_before(app: Flask, actors: Actors, clock: Clock) -> None:
    days(actors.ada, clock, "x" * 14 + " " * 5)
    before = told("gone_silent")
    assert before == [("raised", "routine", date(2026, 5, 22))]
    pause(actors, clock, paused=True)
    days(actors.ada, clock, " " * 20)
    assert told("gone_silent") == before
    alert_id: uuid.UUID = one("SELECT id FROM alert")
    for paused in (True, False):
        pause(actors, clock, paused=paused)
        result = app.test_cli_runner().invoke(args=["explain", str(alert_id)])
        assert (result.exit_code, "it is identical" in result.output) == (0, True)
