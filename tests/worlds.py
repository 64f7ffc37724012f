"""Worlds that tests begin in: each is made through the services once, and for the next test its rows are put back.

The rows wait in tables that only one connection sees. They are put back only onto exactly what they were made on:
whoever wrote a single row in between gets a world made the long way.
"""

import io
import pickle
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import inspect
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.util import identity_key

from server.extensions import Base, db
from server.libpq import conninfo
from server.scope import enter, entered

World = TypeVar("World")
Key = tuple[object, ...]

EMPTY: Key = ()
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"


class Worlds:
    def __init__(self, superuser_url: str) -> None:
        self._connection = psycopg.connect(conninfo(superuser_url), autocommit=True)
        # No trigger and no foreign key has anything to add to rows that were all there before.
        self._connection.execute("SET session_replication_role = replica")
        self._tables = [name for (name,) in self._connection.execute(TABLES)]
        delete = sql.SQL("DELETE FROM {};")
        self._empty = self._remember(
            "empty", sql.Composed([delete.format(sql.Identifier(one)) for one in self._tables])
        )
        self._kept: dict[Key, tuple[uuid.UUID | None, bytes, sql.Composed]] = {}
        self._stands, self._written = EMPTY, 0

    def close(self) -> None:
        self._connection.close()

    def empty(self) -> None:
        """Every table (a DELETE of a few rows is much faster than TRUNCATE)."""
        self._connection.execute(self._empty)
        self._note(EMPTY)

    def begin(self, make: Callable[..., World], *given: Any, at: datetime) -> World:
        """What `make(*given, at)` made the first time."""
        db.session.commit()
        if not self._untouched():
            return make(*given, at)
        key = (*self._stands, make, at)
        if key in self._kept:
            clinic_id, pickled, put_back = self._kept[key]
            self._connection.execute(put_back)
            if clinic_id:
                enter(clinic_id)
            world: World = _unpickled(pickled)
        else:
            world = make(*given, at)
            self._kept[key] = entered(), _pickled(world), self._keep_rows(f"kept_{len(self._kept)}")
        self._note(key)
        return world

    def _note(self, key: Key) -> None:
        self._stands, self._written = key, self._transaction()

    def _untouched(self) -> bool:
        return self._transaction() == self._written + 1

    def _transaction(self) -> int:
        """The number of this one: whatever writes takes the next."""
        ((number,),) = self._connection.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(number)

    def _keep_rows(self, name: str) -> sql.Composed:
        """Returns what puts them back."""
        put_back = sql.Composed([])
        for table in self._tables:
            names = {"table": sql.Identifier(table), "kept": sql.Identifier(f"{name}_{table}")}
            if self._stands != EMPTY:
                put_back += sql.SQL("DELETE FROM {table};").format(**names)
            if self._connection.execute(sql.SQL("SELECT FROM {table} LIMIT 1").format(**names)).fetchone() is not None:
                self._connection.execute(sql.SQL("CREATE TEMP TABLE {kept} AS TABLE {table}").format(**names))
                put_back += sql.SQL("INSERT INTO {table} TABLE {kept};").format(**names)
        return self._remember(name, put_back)

    def _remember(self, name: str, statements: sql.Composed) -> sql.Composed:
        """Returns what does all that, in one trip and planned once: most of what it would cost is the planning."""
        names = {"name": sql.Identifier("pg_temp", name), "statements": statements}
        self._connection.execute(
            sql.SQL("CREATE FUNCTION {name}() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {statements} END $$").format(
                **names
            )
        )
        return sql.SQL("SELECT {name}()").format(**names)


class _Pickler(pickle.Pickler):
    """Of the session's own rows the names alone; what is a copy (of another clinic's) is kept whole."""

    def persistent_id(self, thing: object) -> tuple[type[Base], Any] | None:
        if isinstance(thing, Base) and (state := inspect(thing)).session is not None:
            return type(thing), state.identity
        return None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: tuple[type[Base], Any]) -> Base:
        """As after a commit: it is in the session, and read when somebody asks."""
        found: Base | None = db.session.identity_map.get(identity_key(*name))
        if found is None:
            model, identity = name
            columns = inspect(model).primary_key
            found = model(**{str(column.key): value for column, value in zip(columns, identity, strict=True)})
            make_transient_to_detached(found)
            db.session.add(found)
        return found


def _pickled(world: object) -> bytes:
    kept = io.BytesIO()
    _Pickler(kept).dump(world)
    return kept.getvalue()


def _unpickled(pickled: bytes) -> Any:
    return _Unpickler(io.BytesIO(pickled)).load()
