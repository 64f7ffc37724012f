"""S13: ciphertexts moved or altered by somebody who can write to the database."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, create_engine, pool, text
from werkzeug.test import TestResponse

from server.extensions import Base, db
from server.models import Alert, AlertState, Outcome, Patient
from server.services import alerts
from server.services.raising import raise_findings
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.database import altered, one
from tests.factories import Actors, check_in_body, finding, identity_of, make_patient, new_id, signed_in
from tests.web.conftest import enter

CANARY = "canary of the quiet bay"


@contextmanager
def as_owner(settings: Settings) -> Iterator[Connection]:
    """Who may write anything, but has no key."""
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        yield connection


def alter(settings: Settings, statement: str, **values: object) -> None:
    with as_owner(settings) as connection:
        assert connection.execute(text(statement), values).rowcount > 0


@pytest.fixture
def eve(actors: Actors, clock: Clock) -> Patient:
    return make_patient(actors.bob, clock())


def note(client: FlaskClient, app: Flask, patient: Patient, clock: Clock, said: str) -> str:
    id_ = new_id()
    body = check_in_body(clock(), note=said)
    answer = client.put(f"/v1/check-ins/{id_}", json=body, headers=signed_in(app, patient))
    assert answer.get_json()["note"] == said
    clock.pass_by(minutes=1)
    return id_


def own_list(client: FlaskClient, app: Flask, patient: Patient) -> TestResponse:
    return client.get("/v1/check-ins", headers=signed_in(app, patient))


def assert_refused(answer: TestResponse, caplog: pytest.LogCaptureFixture) -> None:
    """Loudly, and with nothing of any text in the answer or in the log."""
    assert_problem(answer, 500)
    assert CANARY not in answer.get_data(as_text=True)
    assert "CannotOpen" in caplog.text
    assert CANARY not in caplog.text


SWAP = """
    UPDATE check_in SET note_sealed = other.note_sealed FROM check_in other
    WHERE check_in.id IN (:one, :two) AND other.id IN (:one, :two) AND check_in.id <> other.id
"""


def test_two_patients_notes_swapped_open_for_neither(
    settings: Settings,
    app: Flask,
    client: FlaskClient,
    actors: Actors,
    eve: Patient,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    zoe = make_patient(actors.bob, clock())
    of_ada, of_eve = (note(client, app, who, clock, f"{CANARY}, {who.code}") for who in (actors.ada, eve))
    note(client, app, zoe, clock, "mine")
    alter(settings, SWAP, one=of_ada, two=of_eve)
    for who in (actors.ada, eve):
        caplog.clear()
        assert_refused(own_list(client, app, who), caplog)
        caplog.clear()
        url = f"/v1/patients/{who.id}/check-ins"
        assert_refused(client.get(url, headers=signed_in(app, actors.bob)), caplog)
    # The others read theirs, and the engine, which needs no note, still looks after all.
    assert [item["note"] for item in own_list(client, app, zoe).get_json()["items"]] == ["mine"]
    assert client.get("/v1/today", headers=signed_in(app, actors.ada)).status_code == 200
    alter(settings, SWAP, one=of_ada, two=of_eve)
    assert [item["note"] for item in own_list(client, app, eve).get_json()["items"]] == [f"{CANARY}, {eve.code}"]


def test_the_same_id_of_two_patients_does_not_help(
    settings: Settings,
    app: Flask,
    client: FlaskClient,
    actors: Actors,
    eve: Patient,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    id_ = new_id()
    for who in (actors.ada, eve):
        body = check_in_body(clock(), note=f"{CANARY}, {who.code}")
        assert client.put(f"/v1/check-ins/{id_}", json=body, headers=signed_in(app, who)).status_code == 201
    alter(settings, "UPDATE check_in SET note_sealed = (SELECT note_sealed FROM check_in WHERE patient_id = :eve)",
          eve=eve.id)  # fmt: skip
    assert_refused(own_list(client, app, actors.ada), caplog)
    assert own_list(client, app, eve).status_code == 200


def test_two_notes_of_one_patient_swapped_open_neither(
    settings: Settings, app: Flask, client: FlaskClient, actors: Actors, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    one_id, two_id = (note(client, app, actors.ada, clock, f"{CANARY} {day}") for day in (1, 2))
    alter(settings, SWAP, one=one_id, two=two_id)
    assert_refused(own_list(client, app, actors.ada), caplog)
    body = check_in_body(clock() - timedelta(minutes=2), note=f"{CANARY} 1")
    # Whether a retry says the same cannot be told any more, so nobody is told that it does.
    retry = client.put(f"/v1/check-ins/{one_id}", json=body, headers=signed_in(app, actors.ada))
    assert_refused(retry, caplog)


def flipped(bit: str) -> str:
    return f"set_bit(note_sealed, {bit}, 1 - get_bit(note_sealed, {bit}))"


ALTERED = {
    "one bit of the text": flipped("8 * length(note_sealed) - 140"),
    "one bit of the tag": flipped("8 * length(note_sealed) - 1"),
    "the version": "set_byte(note_sealed, 0, 2)",
    "the key's id": "set_byte(note_sealed, 2, 120)",
    "cut": "substring(note_sealed from 1 for length(note_sealed) - 1)",
    "cut within the nonce": "substring(note_sealed from 1 for 12)",
    "nothing left": "''",
    "plain text": "convert_to('a made up note', 'UTF8')",
    "another column's": "(SELECT outcome_note_sealed FROM alert)",
    "another column's of the same patient": "(SELECT reference_sealed FROM patient WHERE id = patient_id)",
    "the index": "(SELECT email_index FROM member ORDER BY created_at LIMIT 1)",
}


@pytest.mark.parametrize("value", ALTERED.values(), ids=ALTERED)
def test_an_altered_note_does_not_open(
    settings: Settings,
    app: Flask,
    client: FlaskClient,
    actors: Actors,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    value: str,
) -> None:
    closed_alert(actors, clock)
    actors.ada.reference = f"{CANARY} of the chart"
    db.session.commit()
    note(client, app, actors.ada, clock, CANARY)
    alter(settings, f"UPDATE check_in SET note_sealed = {value}")  # noqa: S608
    assert_refused(own_list(client, app, actors.ada), caplog)


def closed_alert(actors: Actors, clock: Clock) -> uuid.UUID:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    alert_id: uuid.UUID = one("SELECT id FROM alert")
    alerts.resolve(identity_of(actors.bob), alert_id, Outcome.CONTACTED, f"{CANARY} by phone", clock())
    db.session.commit()
    return alert_id


def test_an_alerts_page_is_there_though_a_text_beside_it_does_not_open(
    settings: Settings, app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    actors.ada.reference = f"{CANARY} of the chart"
    alert_id = closed_alert(actors, clock)
    enter(client, actors.bob, clock)
    page = client.get(f"/alerts/{alert_id}").get_data(as_text=True)
    assert (page.count(CANARY), page.count("cannot be opened")) == (2, 0)
    alter(settings, f"UPDATE patient SET reference_sealed = {altered('reference_sealed')}")  # noqa: S608
    alter(settings, f"UPDATE alert SET outcome_note_sealed = {altered('outcome_note_sealed')}")  # noqa: S608
    page = client.get(f"/alerts/{alert_id}").get_data(as_text=True)
    assert (page.count(CANARY), page.count("cannot be opened")) == (0, 2)
    assert "Craving was 9 on 2026-05-04." in page
    assert db.session.get_one(Alert, alert_id).state is AlertState.RESOLVED


def test_one_members_broken_address_stops_nobody_else(
    settings: Settings, app: Flask, client: FlaskClient, actors: Actors, caplog: pytest.LogCaptureFixture
) -> None:
    alter(settings, "UPDATE member SET email_sealed = (SELECT email_sealed FROM member WHERE id = :carol)"
          " WHERE id = :bob", carol=actors.carol.id, bob=actors.bob.id)  # fmt: skip
    assert_refused(client.get("/v1/me", headers=signed_in(app, actors.bob)), caplog)
    assert client.get("/v1/me", headers=signed_in(app, actors.carol)).get_json()["email"] == "carol@elsewhere.example"


def test_nothing_of_a_text_is_in_the_database(
    settings: Settings, app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    """Every row of every table, as the owner sees it, bytes in hexadecimal and all."""
    closed_alert(actors, clock)
    note(client, app, actors.ada, clock, CANARY)
    patient = {"zone": "UTC", "reference": f"{CANARY} 7"}
    member = {"role": "admin", "name": "Zoe", "email": "canary@bay.example", "password": "correct horse battery"}
    assert client.post("/v1/patients", json=patient, headers=signed_in(app, actors.bob)).status_code == 201
    assert client.post("/v1/members", json=member, headers=signed_in(app, actors.alice_admin)).status_code == 201
    with as_owner(settings) as connection:
        tables = [*Base.metadata.tables, "procrastinate_jobs", "procrastinate_events"]
        dump = "\n".join(
            str(row)
            for table in tables
            for (row,) in connection.execute(text(f'SELECT t::text FROM "{table}" t'))  # noqa: S608
        ).lower()
    assert actors.ada.code.lower() in dump
    for secret in (CANARY, "canary", "bay.example", "clinic.example", "bob@"):
        assert secret not in dump
        assert secret.encode().hex() not in dump
