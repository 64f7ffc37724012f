"""Whether the migrations have to run: asked of the database, not of a file of ours."""

from pathlib import Path

import psycopg

from server.libpq import conninfo
from server.local.clinic import MIGRATIONS, is_migrated
from server.settings import Settings


def test_the_newest_file_decides(settings: Settings, tmp_path: Path) -> None:
    url = settings.migration_database_url
    assert is_migrated(url, MIGRATIONS)
    for script in MIGRATIONS.glob("*.py"):
        (tmp_path / script.name).touch()
    assert is_migrated(url, tmp_path)
    (tmp_path / "9999_later.py").touch()
    assert not is_migrated(url, tmp_path)


def test_an_empty_database_is_not_migrated(settings: Settings) -> None:
    with psycopg.connect(conninfo(settings.migration_database_url)) as connection:
        connection.execute("ALTER TABLE alembic_version RENAME TO elsewhere")
        connection.commit()
        try:
            assert not is_migrated(settings.migration_database_url, MIGRATIONS)
        finally:
            connection.execute("ALTER TABLE elsewhere RENAME TO alembic_version")
            connection.commit()
