"""S14: a query that forgot its clinic, and a transaction that has none, get nothing of anybody else's."""

import json
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import errors
from sqlalchemy import Connection, Engine, create_engine, pool, select, text
from sqlalchemy.exc import DBAPIError

from server.extensions import Base
from server.models import Alert, Patient
from server.services import alerts, patients
from server.services.identities import Identity
from server.settings import Settings
from tests.attacks.conftest import AsApp, Clinics
from tests.database import change, one
from tests.factories import Actors, signed_in

OF_NO_CLINIC = {"attempt_count", "data_key", "index_key", "job_run", "outage", "tally"}
TABLES = sorted(set(Base.metadata.tables) - OF_NO_CLINIC)
# The app's role adds rows and may not change them, whosever they are (S12; what a consent says).
ADDED_TO = {"audit_event", "audit_head", "break_glass", "consent", "disclosure", "erasure"}
# (table, column) where a row refers to another by a key that holds the clinic too.
REFERENCES = sorted(
    (table.name, column.name)
    for table in Base.metadata.tables.values()
    for key in table.foreign_key_constraints
    for column in key.columns
    if len(key.columns) == 2 and column.name != "clinic_id" and table.name not in ADDED_TO
)

MAIL_OUTSIDE = """
    INSERT INTO alert_email (id, clinic_id, alert_id, event_id, consent_id, state, attempts, due_at, queued_at,
                             created_at)
    SELECT gen_random_uuid(), consent.clinic_id, alert_id, event.id, consent.id, 'queued', 0, at, at, at
    FROM consent JOIN alert USING (patient_id) JOIN alert_event event ON alert_id = alert.id WHERE reference <> ''
"""


def column_of(table: str) -> str:
    return "id" if table == "clinic" else "clinic_id"


def count(table: str, clinic_id: uuid.UUID) -> int:
    return int(one(f"SELECT count(*) FROM {table} WHERE {column_of(table)} = :id", id=clinic_id))


def a_row(table: str, clinic_id: uuid.UUID) -> dict[str, Any]:
    found: dict[str, Any] = one(
        f"SELECT to_jsonb(t) FROM {table} t WHERE {column_of(table)} = :id LIMIT 1", id=clinic_id
    )
    return found


def insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    put = text(f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, CAST(:row AS jsonb))")
    connection.execute(put, {"row": json.dumps(row)})


def is_refused(error: DBAPIError) -> bool:
    return isinstance(error.orig, errors.InsufficientPrivilege) and "row-level security" in str(error.orig)


def test_without_a_clinic_there_is_no_row_and_none_goes_in(
    clinics: Clinics, as_app: AsApp, subtests: pytest.Subtests
) -> None:
    for table in TABLES:
        with subtests.test(table=table):
            row = a_row(table, clinics.ours)
            with as_app(None) as nobody:
                assert nobody.scalar(text(f"SELECT count(*) FROM {table}")) == 0
                if table not in ADDED_TO:
                    assert nobody.execute(text(f"DELETE FROM {table}")).rowcount == 0
                    assert nobody.execute(text(f"UPDATE {table} SET {column_of(table)} = DEFAULT")).rowcount == 0
                with pytest.raises(DBAPIError) as error:
                    insert(nobody, table, row)
            assert is_refused(error.value)


def test_a_query_without_a_filter_is_about_ones_own_clinic(
    clinics: Clinics, as_app: AsApp, subtests: pytest.Subtests
) -> None:
    for table in TABLES:
        with subtests.test(table=table):
            assert count(table, clinics.theirs) > 0
            with as_app(clinics.ours) as ours:
                seen = ours.execute(text(f"SELECT {column_of(table)}, count(*) FROM {table} GROUP BY 1")).all()
            assert [tuple(row) for row in seen] == [(clinics.ours, count(table, clinics.ours))]


def test_the_rows_of_another_clinic_cannot_be_touched(
    clinics: Clinics, as_app: AsApp, subtests: pytest.Subtests
) -> None:
    for table in sorted(set(TABLES) - ADDED_TO):
        with subtests.test(table=table):
            column, theirs = column_of(table), {"theirs": clinics.theirs}
            for statement in (
                f"SELECT 1 FROM {table} WHERE {column} = :theirs FOR UPDATE",
                f"UPDATE {table} SET {column} = {column} WHERE {column} = :theirs",
                f"DELETE FROM {table} WHERE {column} = :theirs",
            ):
                with as_app(clinics.ours) as ours:
                    assert ours.execute(text(statement), theirs).rowcount == 0


def test_no_row_goes_into_another_clinic(clinics: Clinics, as_app: AsApp, subtests: pytest.Subtests) -> None:
    for table in TABLES:
        with subtests.test(table=table):
            with as_app(clinics.ours) as ours, pytest.raises(DBAPIError) as inserted:
                insert(ours, table, a_row(table, clinics.theirs))
            assert is_refused(inserted.value)
            with as_app(clinics.ours) as ours, pytest.raises(DBAPIError) as moved:
                ours.execute(text(f"UPDATE {table} SET {column_of(table)} = :theirs"), {"theirs": clinics.theirs})
            assert is_refused(moved.value) or table in ADDED_TO


def test_no_row_of_ones_own_refers_to_another_clinics(
    clinics: Clinics, actors: Actors, as_app: AsApp, subtests: pytest.Subtests
) -> None:
    """A key is checked past row-level security, so it holds the clinic's id."""
    theirs = {
        "patient_id": clinics.cyd,
        "alert_id": clinics.alert,
        "member_id": actors.carol.id,
        "consent_id": clinics.consent,
        "deputy_id": actors.carol.id,
        "digest_id": one("SELECT id FROM member_mail WHERE clinic_id = :id", id=clinics.theirs),
        "sign_in_id": one("SELECT id FROM sign_in WHERE patient_id = :cyd", cyd=clinics.cyd),
    }
    change(MAIL_OUTSIDE)
    change("UPDATE alert_email SET digest_id = member_mail.id FROM member_mail WHERE member_mail.clinic_id = :id"
           " AND alert_email.clinic_id = :id", id=clinics.ours)  # fmt: skip
    for table, column in REFERENCES:
        one_of_ours = f"(SELECT min(ctid) FROM {table} WHERE {column} IS NOT NULL)"
        moving = text(f"UPDATE {table} SET {column} = :theirs WHERE ctid = {one_of_ours}")
        with subtests.test(table=table, column=column):
            with as_app(clinics.ours) as ours, pytest.raises(DBAPIError) as error:
                ours.execute(moving, {"theirs": theirs[column]})
            # Cyd has a check-in of the same day and an alert of the same rule: there the unique index is quicker.
            assert isinstance(error.value.orig, errors.ForeignKeyViolation | errors.UniqueViolation)


def test_services_that_forget_their_filter(
    app: Flask, client: FlaskClient, clinics: Clinics, actors: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On purpose: these two say whom a member may see, and now they say everybody."""

    def every_patient(_: Identity) -> Any:
        return select(Patient)

    def every_alert(_: Identity) -> Any:
        return select(Alert)

    monkeypatch.setattr(patients, "visible_to", every_patient)
    monkeypatch.setattr(alerts, "visible_to", every_alert)
    for member, clinic_id in ((actors.bob, clinics.ours), (actors.carol, clinics.theirs)):
        for path, table in (("/v1/patients", "patient"), ("/v1/alerts", "alert")):
            items = client.get(path, headers=signed_in(app, member)).get_json()["items"]
            assert count(table, clinic_id) == len(items)
    for path in (f"/v1/patients/{clinics.cyd}", f"/v1/alerts/{clinics.alert}", f"/v1/patients/{clinics.cyd}/trend"):
        assert client.get(path, headers=signed_in(app, actors.bob)).status_code == 404
        assert client.get(path, headers=signed_in(app, actors.carol)).status_code == 200


def engine_of(settings: Settings) -> Engine:
    return create_engine(settings.database_url, poolclass=pool.NullPool)


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE interlude_owner",
        "SET SESSION AUTHORIZATION interlude_owner",
        "ALTER TABLE patient DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE patient OWNER TO interlude_app",
        "DROP POLICY own_clinic ON patient",
        "CREATE POLICY mine ON patient USING (true)",
        "ALTER POLICY own_clinic ON patient USING (true)",
        "ALTER ROLE interlude_app BYPASSRLS",
        "GRANT interlude_owner TO interlude_app",
        "CREATE OR REPLACE FUNCTION every_clinic() RETURNS SETOF uuid LANGUAGE sql AS 'SELECT id FROM clinic'",
        "CREATE VIEW everything AS SELECT * FROM patient",
    ],
)
def test_the_app_role_cannot_free_itself(settings: Settings, statement: str) -> None:
    with engine_of(settings).connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text(statement))
    assert isinstance(error.value.orig, errors.InsufficientPrivilege)


def test_switched_off_it_refuses_instead(clinics: Clinics, as_app: AsApp, subtests: pytest.Subtests) -> None:
    for table in TABLES:
        with subtests.test(table=table):
            with as_app(clinics.ours) as ours:
                ours.execute(text("SET LOCAL row_security = off"))
                with pytest.raises(DBAPIError) as error:
                    ours.execute(text(f"SELECT count(*) FROM {table}"))
            assert is_refused(error.value)


def test_the_app_role_has_no_way_round(settings: Settings) -> None:
    with engine_of(settings).connect() as connection:
        said = connection.execute(
            text("""
                SELECT rolsuper, rolbypassrls, rolcreaterole, rolreplication,
                       pg_has_role('interlude_owner', 'MEMBER'), pg_has_role('interlude_owner', 'SET'),
                       EXISTS (SELECT FROM pg_auth_members WHERE member = current_user::regrole),
                       EXISTS (SELECT FROM pg_class WHERE relowner = current_user::regrole)
                FROM pg_roles WHERE rolname = current_user
            """)
        ).one()
    assert tuple(said) == (False,) * 8


def test_a_clinic_that_is_no_id_is_an_error_and_no_clinic(clinics: Clinics, as_app: AsApp) -> None:
    for said in ("everything", "' OR true --", "%"):
        with as_app(None) as connection:
            connection.execute(text("SELECT set_config('interlude.clinic', :said, true)"), {"said": said})
            with pytest.raises(DBAPIError) as error:
                connection.execute(text("SELECT count(*) FROM patient"))
        assert isinstance(error.value.orig, errors.InvalidTextRepresentation)
