"""A pooled connection that died is noticed before it is used, and one that lives costs no question."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, create_engine, pool, text

from server import connections
from server.connections import watch_connections
from server.extensions import db
from server.settings import Settings


@contextmanager
def pooled(settings: Settings) -> Iterator[Engine]:
    """One connection, given back and taken again."""
    engine = create_engine(settings.database_url, pool_size=1, max_overflow=0, hide_parameters=True)
    watch_connections(engine)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def asked(engine: Engine) -> Iterator[list[str]]:
    """How often the server was asked whether it is there."""
    pings: list[str] = []
    ping = engine.dialect.do_ping

    def counted(connection: object) -> bool:
        pings.append("ping")
        return ping(connection)  # type: ignore[arg-type]

    engine.dialect.do_ping = counted  # type: ignore[method-assign,assignment]
    yield pings


def backend(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


def end_backend(settings: Settings, pid: int) -> None:
    other = create_engine(settings.database_url, poolclass=pool.NullPool)
    with other.connect() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})


def test_a_connection_in_use_is_not_asked_about(app: Flask, settings: Settings) -> None:
    with pooled(settings) as engine, asked(engine) as pings:
        for _ in range(3):
            with engine.connect() as connection:
                backend(connection)
    assert pings == []


def test_one_that_the_server_ended_is_replaced(app: Flask, settings: Settings) -> None:
    with pooled(settings) as engine, asked(engine) as pings:
        with engine.connect() as connection:
            first = backend(connection)
        end_backend(settings, first)
        with engine.connect() as connection:
            assert backend(connection) != first
        assert pings == ["ping"]


def test_one_that_was_idle_for_long_is_asked(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pooled(settings) as engine, asked(engine) as pings:
        with engine.connect() as connection:
            first = backend(connection)
        monkeypatch.setattr(connections, "LONG_IDLE_SECONDS", 0.0)
        with engine.connect() as connection:
            assert backend(connection) == first
        assert pings == ["ping"]


def test_the_applications_own_is_watched(app: Flask) -> None:
    assert db.engine.pool.dispatch.checkout
    assert not db.engine.pool._pre_ping  # asked nowhere else
