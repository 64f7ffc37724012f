"""The embedded PostgreSQL, for real: what its roles may do, and what it survives."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from server.local.errors import LocalError
from server.local.postgres import EmbeddedPostgres
from server.local.roles import APP, OWNER, SUPERUSER

# Starts a server, says where it is, and waits to be killed.
STARTER = """
import sys, time, pathlib
from server.local.postgres import EmbeddedPostgres
postgres = EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False)
postgres.start()
print(postgres._child.pid, postgres._runtime, flush=True)
time.sleep(60)
"""


def rows(postgres: EmbeddedPostgres, role: str, statement: str) -> list[tuple[object, ...]]:
    url = postgres.url(role).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def kill(postgres: EmbeddedPostgres) -> None:
    assert postgres._child is not None
    postgres._child.kill()
    postgres._child.wait()
    assert postgres.poll() == -signal.SIGKILL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("Dr. O'Neill's clinic é") / "postgres"


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        yield postgres


def test_it_speaks_through_sqlalchemy_and_has_unicode(running: EmbeddedPostgres) -> None:
    engine = create_engine(running.url(APP))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == APP
        assert connection.execute(text("SHOW server_encoding")).scalar_one() == "UTF8"
        assert connection.execute(text("SHOW data_checksums")).scalar_one() == "on"
        assert connection.execute(text("SHOW listen_addresses")).scalar_one() == ""
    engine.dispose()


def test_the_owner_makes_tables_and_the_app_gets_only_what_is_granted(running: EmbeddedPostgres) -> None:
    rows(running, OWNER, "CREATE TABLE granted (number int); GRANT SELECT ON granted TO interlude_app")
    rows(running, OWNER, "CREATE TABLE hidden (number int)")
    assert rows(running, APP, "SELECT * FROM granted") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(running, APP, "SELECT * FROM hidden")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (number int)",
        "CREATE TEMPORARY TABLE mine (number int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "ALTER ROLE interlude_app SUPERUSER",
        "SET ROLE interlude_owner",
        "COPY (SELECT 1) TO '/tmp/mine'",
    ],
)
def test_the_app_may_do_nothing_else(running: EmbeddedPostgres, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(running, APP, statement)


@pytest.mark.parametrize("statement", ["CREATE ROLE mine", "CREATE DATABASE mine"])
def test_the_owner_rules_its_database_only(running: EmbeddedPostgres, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(running, OWNER, statement)


@pytest.mark.parametrize("role", [APP, OWNER, SUPERUSER])
def test_nobody_gets_in_without_the_password(running: EmbeddedPostgres, role: str) -> None:
    password = running._passwords[role]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(running.url(role).replace("+psycopg", "").replace(password, "guess"))


def test_socket_and_passwords_are_private(running: EmbeddedPostgres, folder: Path) -> None:
    assert running._runtime is not None
    assert stat.S_IMODE(running._runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.with_name("postgres.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_starter_on_the_folder_is_refused(running: EmbeddedPostgres, folder: Path) -> None:
    with pytest.raises(LocalError, match="already runs PostgreSQL"):
        EmbeddedPostgres(folder).start()
    assert rows(running, APP, "SELECT 1") == [(1,)]


def test_rows_survive_stop_kill_and_lost_passwords(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    postgres = EmbeddedPostgres(folder, durable=False)
    with postgres:
        rows(postgres, OWNER, "CREATE TABLE kept AS SELECT 42 AS number")
        runtime = postgres._runtime
    assert runtime is not None
    assert not runtime.exists()
    postgres.stop()  # as often as one likes

    with postgres:
        url = postgres.url(APP)
        kill(postgres)
        postgres.start()
        assert postgres.url(APP) == url
        assert rows(postgres, OWNER, "SELECT number FROM kept") == [(42,)]

    folder.with_name("postgres.json").unlink()
    # After a reboot the number in a stale postmaster.pid may be any program's: here it is ours.
    (folder / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n")
    with EmbeddedPostgres(folder, durable=False) as again:
        assert rows(again, OWNER, "SELECT number FROM kept") == [(42,)]


def test_a_killed_starter_takes_its_server_along(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, folder], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        pid, runtime = starter.stdout.readline().split()
        os.kill(int(pid), signal.SIGSTOP)  # an orphan that cannot end yet
        starter.kill()
        starter.wait()
        os.kill(int(pid), signal.SIGCONT)
        with EmbeddedPostgres(folder, durable=False) as postgres:
            assert rows(postgres, APP, "SELECT 1") == [(1,)]
        assert not Path(runtime).exists()


def test_half_an_initdb_and_a_foreign_version(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    half = folder.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("16\n")
    with EmbeddedPostgres(folder, durable=False):
        assert not half.exists()
    (folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(LocalError, match="made by PostgreSQL 9, and this is"):
        EmbeddedPostgres(folder, durable=False).start()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "thesis.txt").write_text("precious")
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    with pytest.raises(LocalError, match=r"belongs to|is not a PostgreSQL cluster"):
        postgres.start()
    assert (tmp_path / "postgres" / "thesis.txt").read_text() == "precious"
