"""What the database says, as its owner sees it: every clinic's rows, and no session's memory between."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine, func, pool, select, text

from server.extensions import db, parts
from server.scope import entered
from server.settings import Settings


@cache
def _engine(database_url: str) -> Engine:
    return create_engine(database_url, hide_parameters=True)


def owner() -> Engine:
    """Row-level security does not bind it."""
    return _engine(parts().settings.migration_database_url)


def rows(statement: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    """Without a transaction, which takes two trips more and at its end makes the driver forget what was prepared."""
    with owner().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def one(statement: str, **values: Any) -> Any:
    """The only column of the only row."""
    ((value,),) = rows(statement, **values)
    return value


def change(statement: str, **values: Any) -> None:
    """A new row belongs to the clinic that the session works for, unless it says another."""
    with owner().begin() as connection:
        connection.execute(select(func.set_config("interlude.clinic", str(entered() or ""), True)))
        connection.execute(text(statement), values)


def altered(sealed: str) -> str:
    """The column's value with its last byte, which is of the tag, another one: whatever the byte was before."""
    return f"set_byte({sealed}, length({sealed}) - 1, 255 - get_byte({sealed}, length({sealed}) - 1))"


@contextmanager
def refusing(settings: Settings, table: str, rule: str) -> Iterator[None]:
    """Meanwhile the table refuses each new row that breaks `rule`: a failure of the database, made for real."""
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT refusing CHECK ({rule}) NOT VALID")
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT refusing")


@contextmanager
def failing(settings: Settings, table: str, row: str, code: str) -> Iterator[None]:
    """Meanwhile an INSERT of such a row fails with this SQLSTATE, as the database would on a bad day."""
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"""
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$;
            CREATE TRIGGER failing BEFORE INSERT ON {table} FOR EACH ROW WHEN ({row}) EXECUTE FUNCTION fail();
        """)
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION fail CASCADE")


# The count of what is kept of refused items is not what was written.
_SAID = {"patient": "(to_jsonb(t) - 'quarantined')::text"}


def digest() -> dict[str, str]:
    """Every row of every table, by table: equal means that nothing was written."""
    # What is refused is counted, and what a patient reported and was refused is kept.
    tables = [*(db.metadata.tables.keys() - {"attempt_count", "quarantined_item"}), "procrastinate_jobs"]
    one_each = " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(said, ';' ORDER BY said)), '')"  # noqa: S608
        f' FROM (SELECT {_SAID.get(table, "t::text")} AS said FROM "{table}" t) rows'
        for table in tables
    )
    return dict(rows(one_each))


def digest_but_audit() -> dict[str, str]:
    """As `digest`, where somebody reads: that alone leaves its event."""
    return {table: found for table, found in digest().items() if table not in ("audit_event", "audit_head")}
