"""Migration 0009 on a database that has rows: each gets the clinic that it is of, and going back loses none."""

from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, create_engine, pool, text

from server.app import create_app
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from tests.catalog import scratch_database

PARENTS = {
    **dict.fromkeys(("check_in", "course", "session", "invite", "care_team", "pause", "trend_state"), "patient"),
    **dict.fromkeys(("alert_event", "alert_email"), "alert"),
}
CLINIC_AND_ALL = text("""
    WITH clinic AS (
        INSERT INTO clinic VALUES (gen_random_uuid(), :name, 'UTC', 4, true, now()) RETURNING id
    ), member AS (
        INSERT INTO member (id, clinic_id, role, name, email_sealed, email_index, password_hash, active, token_version,
                            created_at)
        SELECT gen_random_uuid(), id, 'clinician', 'Bob', '', convert_to(:name, 'UTF8'), '', true, 1, now() FROM clinic
        RETURNING id
    ), patient AS (
        INSERT INTO patient (id, clinic_id, code, zone, language, region, active, token_version, created_at,
                             assess_failures)
        SELECT gen_random_uuid(), id, :name, 'UTC', 'en', 'US', true, 1, now(), 0 FROM clinic RETURNING id
    ), course AS (
        INSERT INTO course SELECT gen_random_uuid(), id, 'other', 'other', '', 1, now() FROM patient
        RETURNING id, patient_id
    ), session AS (
        INSERT INTO session SELECT gen_random_uuid(), id, patient_id, 1, now(), now(), 'attended' FROM course
    ), alert AS (
        INSERT INTO alert (id, clinic_id, patient_id, rule, rule_version, severity, state, day, last_day, sentence,
                           basis, figures, thresholds, raised_at)
        SELECT gen_random_uuid(), clinic.id, patient.id, 'x', 1, 'prompt', 'open', now(), now(), '', '[]', '{}', '{}',
               now()
        FROM clinic, patient RETURNING id
    ), event AS (
        INSERT INTO alert_event (alert_id, kind, at, severity) SELECT id, 'raised', now(), 'prompt' FROM alert
        RETURNING id, alert_id
    ), email AS (
        INSERT INTO alert_email
        SELECT gen_random_uuid(), alert_id, event.id, member.id, 'queued', 0, now(), now(), NULL, NULL, NULL, now()
        FROM event, member
    ), team AS (
        INSERT INTO care_team SELECT patient.id, member.id, 1 FROM patient, member
    ), trend_state AS (
        INSERT INTO trend_state SELECT id, 1, '' FROM patient
    ), pause AS (
        INSERT INTO pause (id, patient_id, first_day, begun_at) SELECT gen_random_uuid(), id, now(), now() FROM patient
    ), invite AS (
        INSERT INTO invite SELECT gen_random_uuid(), patient.id, convert_to(:name, 'UTF8'), member.id, now(), now()
        FROM patient, member
    )
    INSERT INTO check_in (patient_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day, counts,
                          form_version, craving, substances, triggers)
    SELECT id, gen_random_uuid(), now(), 'UTC', 0, true, now(), now(), true, '1', 5, '{}', '{}' FROM patient
""")


def every_row(connection: Connection) -> dict[str, set[str]]:
    return {
        table: set(connection.scalars(text(f"SELECT (to_jsonb(t) - 'clinic_id')::text FROM {table} t")))  # noqa: S608
        for table in PARENTS
    }


def clinics_of(connection: Connection, table: str, parent: str) -> list[tuple[str, bool]]:
    """By each clinic that a row of the table names: whether it is that of the patient or the alert."""
    found = connection.execute(
        text(f"""
            SELECT clinic.name, {table}.clinic_id = {parent}.clinic_id
            FROM {table} JOIN {parent} ON {parent}.id = {table}.{parent}_id
            JOIN clinic ON clinic.id = {table}.clinic_id ORDER BY 1
        """)  # noqa: S608
    )
    return [(name, alike) for name, alike in found]


def test_every_row_gets_the_clinic_that_it_is_of(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "clinics") as settings:
        app = create_app(settings)
        engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
        with app.app_context():
            upgrade(revision="0008")
            with engine.begin() as connection:
                for name in ("North", "South"):
                    connection.execute(CLINIC_AND_ALL, {"name": name})
                before = every_row(connection)
            upgrade(revision="0009")
            with engine.begin() as connection:
                found = {table: clinics_of(connection, table, parent) for table, parent in PARENTS.items()}
                assert found == {table: [("North", True), ("South", True)] for table in PARENTS}
                assert every_row(connection) == before
            downgrade(revision="0008")
            with engine.begin() as connection:
                assert every_row(connection) == before
            db.engine.dispose()
    assert {len(of_table) for of_table in before.values()} == {2}
