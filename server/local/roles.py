"""The two roles and the database, brought to the same state at every start."""

from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

DATABASE = "interlude"
SUPERUSER = "postgres"
OWNER = "interlude_owner"
APP = "interlude_app"
ROLES = (SUPERUSER, OWNER, APP)
PORT = 5432  # only the socket's name carries it


def connect(sockets: Path, password: str, database: str) -> psycopg.Connection:
    """As the superuser, every statement its own transaction."""
    return psycopg.connect(
        host=str(sockets), port=PORT, user=SUPERUSER, password=password, dbname=database,
        autocommit=True, connect_timeout=10,
    )  # fmt: skip


def establish(sockets: Path, passwords: Mapping[str, str]) -> None:
    """Roles, database and the rights on it. What may be done to tables, the migrations say."""
    with connect(sockets, passwords[SUPERUSER], SUPERUSER) as connection:
        for role in (OWNER, APP):
            _establish_role(connection, role, passwords[role])
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            names = {"database": sql.Identifier(DATABASE), "owner": sql.Identifier(OWNER)}
            connection.execute(sql.SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
    with connect(sockets, passwords[SUPERUSER], DATABASE) as connection:
        _establish_rights(connection)


def _establish_role(connection: psycopg.Connection, role: str, password: str) -> None:
    name = sql.Identifier(role)
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}").format(
            name, sql.Literal(password)
        )
    )


def _establish_rights(connection: psycopg.Connection) -> None:
    names = {"database": sql.Identifier(DATABASE), "app": sql.Identifier(APP)}
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {database} FROM PUBLIC").format(**names))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {database} TO {app}").format(**names))
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {app}").format(**names))


def _exists(connection: psycopg.Connection, question: sql.SQL | str, name: str) -> bool:
    return connection.execute(question, (name,)).fetchone() is not None
