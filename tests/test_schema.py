"""Migrations and models: the same schema, up, down and up again."""

import re
from pathlib import Path

import pytest
from flask_migrate import downgrade, upgrade
from psycopg import errors
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import ProgrammingError

from server.app import create_app
from server.extensions import Base, db
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings
from tests.catalog import schema, scratch_database
from tests.factories import settings_for

VERSIONS = sorted((Path(__file__).parents[1] / "migrations/versions").glob("*.py"))


def catalog(settings: Settings, *, everything: bool = False) -> dict[str, set[tuple[object, ...]]]:
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        return schema(connection, everything=everything)


def test_migrations_are_numbered_and_each_can_be_undone() -> None:
    assert [path.name[:4] for path in VERSIONS] == [f"{number:04}" for number in range(1, len(VERSIONS) + 1)]
    earlier = None
    for path in VERSIONS:
        source = path.read_text()
        assert re.search(rf'^revision = "{path.name[:4]}"$', source, re.MULTILINE)
        assert re.search(rf"^down_revision = {repr(earlier).replace(chr(39), chr(34))}$", source, re.MULTILINE)
        assert re.search(r"^def downgrade\(\) -> None:\n    (?!pass)", source, re.MULTILINE)
        earlier = path.name[:4]


def test_down_to_nothing_and_up_again_leaves_the_same_schema(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "down_and_up") as settings:
        app = create_app(settings)
        with app.app_context():
            empty = catalog(settings, everything=True)
            upgrade()
            before = catalog(settings, everything=True)
            downgrade(revision="base")
            # What Alembic itself keeps is all that remains.
            left = {kind: {row for row in rows if "alembic" not in str(row)} for kind, rows in
                    catalog(settings, everything=True).items()}  # fmt: skip
            upgrade()
            db.engine.dispose()
        assert left == empty
        assert catalog(settings, everything=True) == before
        assert before != empty


def test_migrations_do_not_run_as_the_app_role(postgres: EmbeddedPostgres) -> None:
    """Nor by default, which is DATABASE_URL: whoever forgets the owner's reads what is missing, and nothing is made."""
    with scratch_database(postgres, "of_one_role") as settings:
        app = create_app(settings_for(settings.database_url, ""))
        said = app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert said.exit_code == 1
        assert "MIGRATION_DATABASE_URL must name another role, the database's owner" in said.output
        assert catalog(settings)["columns"] == set()


def test_models_and_migrations_agree(postgres: EmbeddedPostgres, settings: Settings) -> None:
    migrated = catalog(settings)
    with scratch_database(postgres, "from_models") as scratch:
        engine = create_engine(scratch.migration_database_url, poolclass=pool.NullPool)
        Base.metadata.create_all(engine)
        modelled = catalog(scratch)
    for kind in ("columns", "constraints", "indexes"):
        assert migrated[kind] - modelled[kind] == set(), f"{kind}: only in the migrations"
        assert modelled[kind] - migrated[kind] == set(), f"{kind}: only in the models"
    assert len(migrated["constraints"]) > 50


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "DROP TABLE check_in",
        "ALTER TABLE check_in DISABLE TRIGGER ALL",
        "ALTER TABLE patient DROP CONSTRAINT ck_patient_monitored",
        "TRUNCATE alert",
        "CREATE ROLE friend",
        "SET ROLE interlude_owner",
        "COPY patient TO PROGRAM 'cat'",
    ],
)
def test_the_app_role_may_not(settings: Settings, statement: str) -> None:
    engine = create_engine(settings.database_url, poolclass=pool.NullPool)
    with engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(text(statement))
    assert isinstance(refused.value.orig, errors.InsufficientPrivilege)


def test_the_app_role_owns_nothing_and_is_nobody(settings: Settings) -> None:
    engine = create_engine(settings.database_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        powers = connection.execute(
            text("SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        ).one()
        owned = connection.scalar(text("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"))
        member_of = connection.scalar(text("SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"))
    assert tuple(powers) == (False, False, False, False)
    assert (owned, member_of) == (0, 0)


# No row of these is about anybody: when jobs ran, when we were down, the ids of keys, and the
# queue's, whose arguments are ids; how often something was done. Attempts are counted under an HMAC of who tries, who
# may be nobody.
OF_NO_CLINIC = {"alembic_version", "attempt_count", "data_key", "index_key", "job_run", "outage", "tally"}
OWN_CLINIC = "(SELECT (NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid AS \"nullif\")"


def test_every_table_shows_a_clinic_its_own_rows_alone(settings: Settings) -> None:
    """A new table needs its policy, too (0009 says how), and one alone: a second would let more through."""
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        enabled = set(
            connection.scalars(
                text("SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace")
            )
        )
        policies = connection.execute(
            text("SELECT tablename, cmd, permissive, qual, with_check FROM pg_policies")
        ).all()
    tables = {str(table) for table, *_ in catalog(settings, everything=True)["columns"]}
    assert {table for table in tables if not table.startswith("procrastinate_")} - OF_NO_CLINIC == enabled
    assert sorted(policy.tablename for policy in policies) == sorted(enabled)
    for table, cmd, permissive, seen, written in policies:
        column = "id" if table == "clinic" else "clinic_id"
        assert (cmd, permissive) == ("ALL", "PERMISSIVE"), table
        assert " ".join(seen.split()) == " ".join(written.split()) == f"({column} = ( {OWN_CLINIC[1:]})", table


def test_limits_are_carried_over_both_ways(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "limits") as settings:
        app = create_app(settings)
        engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)

        def ask(statement: str) -> list[tuple[object, ...]]:
            with engine.begin() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(statement)]

        with app.app_context():
            upgrade(revision="0002")
            before = ask("""
                INSERT INTO clinic
                VALUES (gen_random_uuid(), 'North', 'UTC', 4, true, 3, 8.5, 2, 3.25, '2026-05-04T20:00Z')
                RETURNING id, limits_version, craving_severe_at, mood_very_low_at, cusum_limit
            """)
            upgrade()
            assert ask("SELECT clinic_id, version, craving_severe, mood_very_low, h FROM limits") == before
            assert ask("SELECT since = created_at, changed_by FROM limits, clinic") == [(True, None)]
            ask("INSERT INTO limits SELECT clinic_id, 4, now(), NULL, 5, 7.5, 3, 7, 3, 0.01 FROM limits RETURNING 1")
            downgrade(revision="0002")
            kept = ask("SELECT limits_version, craving_severe_at, mood_very_low_at, cusum_limit FROM clinic")
            assert kept == [(4, 7.5, 3, 5)]
            db.engine.dispose()


def test_who_is_paused_stays_paused_both_ways(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "pauses") as settings:
        app = create_app(settings)
        engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)

        def ask(statement: str) -> list[tuple[object, ...]]:
            with engine.begin() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(statement)]

        with app.app_context():
            upgrade(revision="0003")
            ask("INSERT INTO clinic VALUES (gen_random_uuid(), 'North', 'UTC', 4, true, now()) RETURNING 1")
            ask("""
                INSERT INTO patient (id, clinic_id, code, zone, language, region, monitored_from, paused, active,
                                     token_version, created_at, assess_failures)
                SELECT gen_random_uuid(), id, code, 'UTC', 'en', 'US', current_date + begins, paused, true, 1, now(), 0
                FROM clinic, (VALUES ('NEVER', true, -9), ('CHECKED', true, -9), ('TOLD', true, -9),
                                     ('FUTURE', true, 9), ('ACTIVE', false, -9)) AS said (code, paused, begins)
                RETURNING 1
            """)
            ask("""
                INSERT INTO check_in (patient_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day,
                                      counts, form_version, craving, substances, triggers)
                SELECT id, gen_random_uuid(), now(), 'UTC', 0, true, now(), current_date - 7, true, '1', 3, '{}', '{}'
                FROM patient WHERE code IN ('CHECKED', 'TOLD') RETURNING 1
            """)
            ask("""
                INSERT INTO alert (id, clinic_id, patient_id, rule, rule_version, severity, state, day, last_day,
                                   sentence, basis, figures, thresholds, raised_at)
                SELECT gen_random_uuid(), clinic_id, id, 'gone_silent', 1, 'routine', 'open', current_date - 4,
                       current_date - 4, '', '[]', '{}', '{}', now()
                FROM patient WHERE code = 'TOLD' RETURNING 1
            """)
            upgrade()
            (today,) = ask("SELECT ((now() AT TIME ZONE 'UTC') - interval '4 hours')::date - current_date")[0]
            pauses = ask("""
                SELECT code, first_day - current_date, last_day, begun_by
                FROM pause JOIN patient ON patient.id = patient_id ORDER BY first_day, code
            """)
            assert pauses == [("NEVER", -9, None, None), ("CHECKED", -6, None, None), ("TOLD", -3, None, None),
                              ("FUTURE", today, None, None)]  # fmt: skip
            over = "UPDATE pause SET last_day = first_day + 9, ended_at = now() WHERE first_day < current_date - 2"
            ask(f"{over} RETURNING 1")
            downgrade(revision="0003")
            assert ask("SELECT code FROM patient WHERE paused") == [("FUTURE",)]
            db.engine.dispose()
