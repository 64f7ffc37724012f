"""Databases of a test's own, and what a schema is, as PostgreSQL itself tells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import connect, sql
from sqlalchemy.engine import Connection

from server.libpq import conninfo
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings
from tests.factories import settings_for

# Where the migrations ran and nobody is connected: what may be copied.
MIGRATED = "migrated"
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
           pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
"""
CONSTRAINTS = """
    SELECT c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = 'public'::regnamespace
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
OTHERS = {
    "types": "SELECT typname, typtype FROM pg_type WHERE typnamespace = 'public'::regnamespace",
    "functions": """
        SELECT oid::regprocedure::text, prosrc, proacl::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "policies": "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies",
    "row-level security": "SELECT relname, relrowsecurity FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "sequences": "SELECT relname, '' FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
    "owners": "SELECT relname, relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "rights": "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "rights to come": "SELECT defaclobjtype, defaclacl::text FROM pg_default_acl",
}


@contextmanager
def scratch_database(postgres: EmbeddedPostgres, name: str, *, of: str = "template1") -> Iterator[Settings]:
    """An empty database with the rights that a new one has, or a copy of one, and the settings that lead there."""
    with connect(conninfo(postgres.url("postgres", "postgres")), autocommit=True) as superuser:
        names = {"name": sql.Identifier(name), "of": sql.Identifier(of)}
        superuser.execute(sql.SQL("CREATE DATABASE {name} OWNER interlude_owner TEMPLATE {of}").format(**names))
        superuser.execute(sql.SQL("GRANT CONNECT ON DATABASE {name} TO interlude_app").format(**names))
        try:
            yield settings_for(postgres.url("interlude_app", name), postgres.url("interlude_owner", name))
        finally:
            superuser.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


def schema(connection: Connection, *, everything: bool = False) -> dict[str, set[tuple[Any, ...]]]:
    """Ours alone (columns, constraints, indexes), or everything that migrations leave behind."""
    asked = {"columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES} | (OTHERS if everything else {})
    found = {
        kind: {tuple(row) for row in connection.exec_driver_sql(question.replace("%", "%%"))}
        for kind, question in asked.items()
    }
    if not everything:
        found = {kind: {row for row in rows if _is_ours(row[0])} for kind, rows in found.items()}
    return found


def _is_ours(table: str) -> bool:
    return not table.startswith("procrastinate_") and table != "alembic_version"
