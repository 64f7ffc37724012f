"""An erasure that cannot be whole does not happen; and whoever is at the record at that moment gets a clear answer."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from server.extensions import Base, db
from server.models import Outcome, Patient
from server.services import alerts, identities
from server.services.belongings import tables_of_patients
from server.services.erasure import KEPT, erase_again
from server.services.raising import raise_findings
from tests.api.problem import assert_problem
from tests.api.test_erasure import SAID, erase, fill, where
from tests.attacks.things import Things
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.e2e.system import eventually
from tests.factories import Actors, check_in_body, course_body, finding, make_patient, new_id, signed_in

# Tables by which a row can be traced to a patient: from each to what it refers to.
REFERENCES = """
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""
NAMING = """
    SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attname = 'patient_id'
"""


@contextmanager
def made(making: str, unmaking: str) -> Iterator[None]:
    change(making)
    try:
        yield
    finally:
        change(unmaking)


def test_the_catalog_knows_no_other_table_of_a_patient(app: Flask) -> None:
    references = rows(REFERENCES)
    theirs, more = set[str](), {"patient"}
    while more - theirs:
        theirs |= more
        more = {table for table, to in references if to in theirs}
    naming = {name for (name,) in rows(NAMING)}
    assert theirs | naming == {table.name for table in tables_of_patients()}
    # What stays refers to no row that goes.
    assert KEPT.keys() & theirs == set()
    # What goes without naming the patient cannot stay: a key holds it to what does.
    assert theirs - naming == {"patient", "alert_event", "alert_email", "member_mail", "webhook_call"}
    assert KEPT.keys() - naming == {"audit_event"}
    assert {*Base.metadata.tables} >= theirs


def test_a_table_that_nobody_told_the_program_of_stops_it_all(
    app: Flask, client: FlaskClient, things: Things, actors: Actors, clock: Clock
) -> None:
    fill(app, client, things, actors, clock)
    ada = signed_in(app, actors.ada)
    with made("CREATE TABLE forgotten (patient_id uuid, said text)", "DROP TABLE forgotten"):
        change("INSERT INTO forgotten VALUES (:id, 'what was said')", id=things.patient)
        before = digest()
        assert_problem(erase(client, ada), 500)
        assert digest() == before
        change("UPDATE forgotten SET patient_id = gen_random_uuid()")
        assert erase(client, ada).status_code == 200


@pytest.mark.parametrize("table", ["check_in", "alert_event", "watch"])
def test_a_row_that_stays_stops_it_all(
    app: Flask, client: FlaskClient, things: Things, actors: Actors, clock: Clock, table: str
) -> None:
    fill(app, client, things, actors, clock)
    ada = signed_in(app, actors.ada)
    with made(f"CREATE RULE stays AS ON DELETE TO {table} DO INSTEAD NOTHING", f"DROP RULE stays ON {table}"):
        before = digest()
        assert_problem(erase(client, ada), 500)
        assert digest() == before
    assert erase(client, ada).status_code == 200


def test_staff_who_wait_for_it_find_nobody(app: Flask, things: Things, actors: Actors, clock: Clock) -> None:
    bob, patient = signed_in(app, actors.bob), f"/v1/patients/{things.patient}"
    item = f"{patient}/quarantine/{things.quarantined}/resolve"
    asked = (
        ("POST", f"{patient}/courses", course_body()),
        ("PATCH", patient, {"paused": True}),
        ("POST", item, {"outcome": "entered", "reason": "asked on the phone"}),
    )
    # Done but for the commit: they see the record still, and wait for its row.
    erase_again(things.patient, clock())
    with ThreadPoolExecutor(len(asked)) as pool:
        waiting = [
            pool.submit(app.test_client().open, url, method=method, json=body, headers=bob)
            for method, url, body in asked
        ]
        eventually(lambda: one("SELECT count(*) FROM pg_locks WHERE NOT granted") == len(asked), "all of them wait")
        db.session.commit()
    for answer in waiting:
        assert_problem(answer.result(), 404)


def test_a_new_password_that_waits_for_it_finds_nobody(app: Flask, actors: Actors, clock: Clock) -> None:
    ada, said = signed_in(app, actors.ada), {**SAID, "new_password": "three-quiet-herons-walk"}
    erase_again(actors.ada.id, clock())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(app.test_client().post, "/v1/me/password", json=said, headers=ada)
        eventually(lambda: one("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1, "it waits")
        db.session.commit()
    assert_problem(waiting.result(), 401)


def raised(patient_id: uuid.UUID, clock: Clock) -> uuid.UUID:
    raise_findings(db.session.get_one(Patient, patient_id), [finding(clock().date())], clock())
    db.session.commit()
    alert_id: uuid.UUID = one("SELECT id FROM alert WHERE patient_id = :id", id=patient_id)
    return alert_id


def test_it_waits_for_whoever_closes_an_alert(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    """And takes what they have added along."""
    ada, her_id = signed_in(app, actors.ada), str(actors.ada.id)
    alert_id = raised(actors.ada.id, clock)
    alerts.resolve(identities.of_member(actors.bob), alert_id, Outcome.REFERRED, None, clock())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(erase, app.test_client(), ada)
        eventually(lambda: one("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1, "it waits")
        db.session.commit()
    assert waiting.result().status_code == 200
    assert where(her_id) <= {"audit_event", "consent", "erasure"}


def test_who_closed_an_alert_that_is_gone_before_the_answer_finds_nobody(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    ada, bob, alert_id = signed_in(app, actors.ada), signed_in(app, actors.bob), raised(actors.ada.id, clock)
    statuses: list[int] = []

    def be_erased(session: Session) -> None:
        if not statuses:
            statuses.append(0)
            with ThreadPoolExecutor(1) as pool:
                statuses[0] = pool.submit(erase, app.test_client(), ada).result().status_code

    event.listen(Session, "after_commit", be_erased)
    try:
        answer = client.post(f"/v1/alerts/{alert_id}/resolve", json={"outcome": "referred"}, headers=bob)
    finally:
        event.remove(Session, "after_commit", be_erased)
    assert statuses == [200]
    assert_problem(answer, 404)


def test_whoever_writes_at_that_moment_is_done_before_or_finds_nobody(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    bob = signed_in(app, actors.bob)
    for _ in range(3):
        eve = make_patient(actors.bob, clock())
        raise_findings(eve, [finding(clock().date())], clock())
        db.session.commit()
        hers, other, code = signed_in(app, eve), signed_in(app, eve), eve.code
        alert = one("SELECT id FROM alert WHERE patient_id = :id", id=eve.id)
        patient = f"/v1/patients/{eve.id}"

        def ask(method: str, url: str, body: object, headers: dict[str, str]) -> int:
            answer = app.test_client().open(url, method=method, json=body, headers=headers)
            return int(answer.status_code)

        statuses = concurrently(
            app,
            partial(ask, "DELETE", "/v1/me", SAID, hers),
            partial(ask, "DELETE", "/v1/me", SAID, other),
            partial(ask, "PUT", f"/v1/check-ins/{new_id()}", check_in_body(clock()), other),
            partial(ask, "PATCH", "/v1/me", {"language": "es"}, other),
            partial(ask, "POST", "/v1/tokens", {"code": code, **SAID}, {}),
            partial(ask, "POST", f"{patient}/courses", course_body(), bob),
            partial(ask, "PATCH", patient, {"paused": True}, bob),
            partial(ask, "POST", f"/v1/alerts/{alert}/resolve", {"outcome": "referred"}, bob),
        )
        allowed = ({200, 401}, {200, 401}, {201, 401}, {200, 401}, {201, 401}, {201, 404}, {200, 404}, {200, 404})
        assert [status in may for status, may in zip(statuses, allowed, strict=True)] == [True] * 8, statuses
        assert sorted(statuses[:2]) == [200, 401]
        assert where(str(eve.id)) <= {"audit_event", "consent", "erasure"}
