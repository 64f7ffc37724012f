"""Sign-ins that are over for long go; what may still be used, or asked about, stays."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.jobs import JOBS, tick
from server.services.sign_ins import KEPT_FOR
from tests.api.problem import assert_problem
from tests.audited import actions
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors, bearer, tokens_of

DAY = timedelta(days=1)


def forget(clock: Clock) -> None:
    job = next(job for job in JOBS if job.name == "forget_sign_ins")
    assert tick(job, DAY, clock()) == 0


@pytest.fixture
def last_use(app: Flask, actors: Actors, clock: Clock) -> Clock:
    """Sign-ins in both clinics, of a patient, too; the clock stands where the last of their tokens ends."""
    for account in (actors.bob, actors.carol, actors.ada):
        tokens_of(app, account)
    clock.at = one("SELECT max(ends_at) FROM sign_in")
    return clock


def test_of_every_clinic_ninety_days_after_the_last_token_ended(last_use: Clock) -> None:
    last_use.at += KEPT_FOR
    forget(last_use)
    assert len(rows("SELECT DISTINCT clinic_id FROM sign_in")) == 2
    assert one("SELECT count(*) FROM sign_in") == 3
    last_use.at += DAY
    forget(last_use)
    assert one("SELECT count(*) FROM sign_in") == 0


def test_and_after_it_was_ended(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    ended = tokens_of(app, actors.bob)
    tokens_of(app, actors.bob)
    client.delete("/v1/tokens/current", headers=bearer(ended["access_token"]))
    clock.at += KEPT_FOR + DAY
    change("UPDATE sign_in SET ends_at = :later WHERE ended_at IS NULL", later=clock() + DAY)
    before = client.post("/v1/tokens/refresh", headers=bearer(ended["refresh_token"]))
    forget(clock)
    assert rows("SELECT ended_at FROM sign_in") == [(None,)]
    # Whoever kept the token of a row that is gone gets what they got before.
    after = client.post("/v1/tokens/refresh", headers=bearer(ended["refresh_token"]))
    assert_problem(after, 401)
    assert after.data == before.data


def test_a_token_that_comes_twice_is_found_out_as_long_as_the_sign_in_lives(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    stolen = bearer(tokens_of(app, actors.ada)["refresh_token"])
    held = bearer(client.post("/v1/tokens/refresh", headers=stolen).get_json()["refresh_token"])
    for _ in range(3):
        clock.pass_by(days=50)
        held = bearer(client.post("/v1/tokens/refresh", headers=held).get_json()["refresh_token"])
        forget(clock)
    assert client.post("/v1/tokens/refresh", headers=held).status_code == 201
    clock.pass_by(minutes=2)
    assert_problem(client.post("/v1/tokens/refresh", headers=held), 401)
    assert "refresh_reused" in actions()
    clock.pass_by(days=1)
    forget(clock)
    assert one("SELECT ended_why FROM sign_in WHERE patient_id IS NOT NULL") == "reused"
