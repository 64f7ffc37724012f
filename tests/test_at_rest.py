"""The migration that seals: rows of before are readable after, and lie open again when it is undone."""

from collections.abc import Sequence
from typing import Any

from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, create_engine, pool, select, text
from sqlalchemy.orm import Session

from server.app import create_app
from server.extensions import Base, db
from server.local.postgres import EmbeddedPostgres
from server.models import Alert, CheckIn, Member, Patient
from server.services import keys
from tests.catalog import scratch_database

BEFORE = "0004"
# More rows than one batch, some with nothing to seal.
CHECK_INS = 2500
ROWS = f"""
    INSERT INTO clinic VALUES (gen_random_uuid(), 'North', 'UTC', 4, true, '2026-05-04T20:00Z');
    INSERT INTO member SELECT gen_random_uuid(), id, 'clinician', who, lower(who) || '@canary.example',
        'x', true, 1, now()
    FROM clinic, unnest(ARRAY['Bob', 'Dana']) who;
    INSERT INTO patient (id, clinic_id, code, reference, zone, language, region, active, token_version,
        created_at, assess_failures)
    SELECT gen_random_uuid(), id, code, reference, 'UTC', 'en', 'US', true, 1, now(), 0
    FROM clinic, (VALUES ('ADA', 'canary 7'), ('EVE', NULL)) said (code, reference);
    INSERT INTO check_in (patient_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day, counts,
        form_version, craving, substances, triggers, note)
    SELECT patient.id, gen_random_uuid(), now(), 'UTC', 0, true, now(), '2026-05-04', false, '1', 3, '{{}}', '{{}}',
        CASE WHEN mod(number, 5) > 0 THEN 'canary ' || code || ' \u00fc ' || number END
    FROM patient, generate_series(1, {CHECK_INS // 2}) number;
    INSERT INTO alert (id, clinic_id, patient_id, rule, rule_version, severity, state, day, last_day, sentence, basis,
        figures, thresholds, raised_at, acknowledged_at, resolved_at, outcome, outcome_note)
    SELECT gen_random_uuid(), clinic_id, id, 'craving_severe', 1, 'prompt', 'resolved', '2026-05-04', '2026-05-04',
        'Said', '[]', '{{}}', '{{}}', now(), now(), now(), 'referred', 'canary by phone'
    FROM patient;
"""  # noqa: S608
TEXTS = """
    SELECT 'note', id, note FROM check_in UNION ALL SELECT 'outcome', id, outcome_note FROM alert
    UNION ALL SELECT 'email', id, email FROM member UNION ALL SELECT 'reference', id, reference FROM patient
    ORDER BY 1, 2
"""


def test_texts_of_before_are_sealed_and_opened_again(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "at_rest") as settings:
        engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)

        def ask(statement: str) -> Sequence[tuple[Any, ...]]:
            with engine.begin() as connection:
                return [tuple(row) for row in connection.execute(text(statement))]

        with create_app(settings).app_context():
            upgrade(revision=BEFORE)
            with engine.begin() as connection:
                connection.exec_driver_sql(ROWS)
            before = ask(TEXTS)
            assert len(before) == CHECK_INS + 6
            upgrade()
            assert _as_read(engine) == before
            dump = "".join(str(ask(f'SELECT t::text FROM "{table}" t')) for table in Base.metadata.tables)  # noqa: S608
            assert "canary" not in dump
            assert b"canary".hex() not in dump
            assert keys.email_index("Bob@Canary.example") in [row[0] for row in ask("SELECT email_index FROM member")]
            db.session.rollback()
            downgrade(revision=BEFORE)
            assert ask(TEXTS) == before
            upgrade()
            assert _as_read(engine) == before
            db.engine.dispose()


def _as_read(engine: Engine) -> list[tuple[Any, ...]]:
    with Session(engine) as session:
        found: list[tuple[Any, ...]] = [("note", row.id, row.note) for row in session.scalars(select(CheckIn))]
        found += [("outcome", row.id, row.outcome_note) for row in session.scalars(select(Alert))]
        found += [("email", row.id, row.email) for row in session.scalars(select(Member))]
        found += [("reference", row.id, row.reference) for row in session.scalars(select(Patient))]
    return sorted(found, key=lambda row: row[:2])
