"""What the database says, on connections of its own: no session's memory comes between."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, pool, text

from server.extensions import db
from server.settings import Settings


def rows(statement: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def one(statement: str, **values: Any) -> Any:
    """The only column of the only row."""
    ((value,),) = rows(statement, **values)
    return value


def change(statement: str, **values: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(statement), values)


@contextmanager
def refusing(settings: Settings, table: str, rule: str) -> Iterator[None]:
    """Meanwhile the table refuses each new row that breaks `rule`: a failure of the database, made for real."""
    owner = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT refusing CHECK ({rule}) NOT VALID")
    try:
        yield
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT refusing")


@contextmanager
def failing(settings: Settings, table: str, row: str, code: str) -> Iterator[None]:
    """Meanwhile an INSERT of such a row fails with this SQLSTATE, as the database would on a bad day."""
    owner = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"""
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$;
            CREATE TRIGGER failing BEFORE INSERT ON {table} FOR EACH ROW WHEN ({row}) EXECUTE FUNCTION fail();
        """)
    try:
        yield
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION fail CASCADE")


def digest() -> dict[str, str]:
    """Every row of every table, by table: equal means that nothing was written."""
    tables = [*db.metadata.tables, "procrastinate_jobs"]
    one_each = " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(t::text, ';' ORDER BY t::text)), '') FROM \"{table}\" t"  # noqa: S608
        for table in tables
    )
    return dict(rows(one_each))
