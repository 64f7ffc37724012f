"""The migration that gives a row of its own to what a look writes, on a database that has patients; and going back."""

from collections.abc import Sequence
from typing import Any

from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, pool, text

from server.app import create_app
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from tests.catalog import scratch_database
from tests.test_clinic_of_every_row import CLINIC_AND_ALL
from tests.test_schema import VERSIONS

WATCH = next(path.name[:4] for path in VERSIONS if path.stem.endswith("_watch"))
LOOKED = """
    UPDATE patient SET assess_due_at = '2026-05-05T08:00Z', assess_queued_at = '2026-05-04T08:01Z',
        assess_failures = 3, assessed_at = '2026-05-04T08:02Z', assess_error = 'DataError', trend_through = '2026-05-03'
        WHERE code = 'North';
    DELETE FROM trend_state USING patient WHERE patient_id = id AND code = 'South'
"""


def test_what_the_last_looks_left_is_kept(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "watch") as settings:
        engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)

        def ask(statement: str) -> Sequence[tuple[Any, ...]]:
            with engine.begin() as connection:
                found = connection.execute(text(statement))
                return [tuple(row) for row in found] if found.returns_rows else []

        with create_app(settings).app_context():
            upgrade(revision="0008")
            with engine.begin() as connection:
                for name in ("North", "South"):
                    connection.execute(CLINIC_AND_ALL, {"name": name})
            upgrade(revision=f"{int(WATCH) - 1:04}")
            for statement in LOOKED.split(";"):
                ask(statement)
            patients = ask("SELECT to_jsonb(p) FROM patient p ORDER BY code")
            states = ask("SELECT to_jsonb(s) FROM trend_state s")
            assert len(states) == 1
            upgrade(revision=WATCH)
            kept = """
                SELECT code, due_at = '2026-05-05T08:00Z', queued_at = '2026-05-04T08:01Z', failures,
                    looked_at = '2026-05-04T08:02Z', error, through::text, version, standing, w.clinic_id = p.clinic_id
                FROM watch w JOIN patient p ON id = patient_id ORDER BY code
            """
            north = ("North", True, True, 3, True, "DataError", "2026-05-03", 1, b"", True)
            assert ask(kept) == [north, ("South", None, None, 0, None, None, None, None, None, True)]
            assert ask("SELECT assessments_failing, assessment_due_since::text FROM health_counts()") == [
                (1, "2026-05-05 08:00:00+00")
            ]
            assert len(ask("SELECT clinics_with_due('assess', '2026-05-05T08:00Z')")) == 1
            ask("SELECT forget_trends_from('2026-05-03')")
            assert ask("SELECT DISTINCT through FROM watch") == [(None,)]
            ask("UPDATE watch SET through = '2026-05-03' WHERE failures > 0")
            downgrade(revision="-1")
            assert ask("SELECT to_jsonb(p) FROM patient p ORDER BY code") == patients
            assert ask("SELECT to_jsonb(s) FROM trend_state s") == states
            assert ask("SELECT assessments_failing FROM health_counts()") == [(1,)]
            upgrade(revision=WATCH)
            assert ask(kept)[0] == north
            db.engine.dispose()
