"""The migration that begins the history of zones on a database that has patients; and going back."""

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

ZONES = next(path.name[:4] for path in VERSIONS if path.stem.endswith("_zones"))


def test_who_was_there_is_where_we_knew(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "zones") as settings:
        engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)

        def ask(statement: str) -> Sequence[tuple[Any, ...]]:
            with engine.begin() as connection:
                return [tuple(row) for row in connection.execute(text(statement))]

        with create_app(settings).app_context():
            upgrade(revision="0008")
            with engine.begin() as connection:
                for name in ("North", "South"):
                    connection.execute(CLINIC_AND_ALL, {"name": name})
            upgrade(revision=ZONES)
            kept = """
                SELECT code, c.zone, number, since = created_at, told_by, member_id, c.clinic_id = p.clinic_id
                FROM zone_change c JOIN patient p ON p.id = patient_id ORDER BY 1
            """
            assert ask(kept) == [(code, "UTC", 1, True, "unknown", None, True) for code in ("North", "South")]
            assert ask("SELECT DISTINCT days_cut_short, closed_elsewhere FROM patient") == [([], None)]
            before = ask("SELECT to_jsonb(p) - 'days_cut_short' - 'closed_elsewhere' FROM patient p ORDER BY code")
            downgrade(revision="-1")
            assert ask("SELECT to_jsonb(p) FROM patient p ORDER BY code") == before
            upgrade(revision=ZONES)
            assert len(ask(kept)) == 2
            db.engine.dispose()
