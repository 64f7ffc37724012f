"""Unbound extensions, and the base of all models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, cast

from flask import current_app
from flask_jwt_extended import JWTManager
from flask_migrate import Migrate
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import DateTime, Executable, MetaData, Table, TypeDecorator
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.orm import DeclarativeBase

from server.questions import question
from server.sealing import Keyring
from server.settings import Settings

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; a naive one is a programming error and stops here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise TypeError("a naive datetime cannot be stored")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: Instant}  # noqa: RUF012  # SQLAlchemy's own declaration


def ask(statement: Executable, values: Mapping[str, Any]) -> list[Any]:
    """Rows of columns, by name. A session looks in each statement for objects, which takes it as long as sending it.

    The statement is one that is built once.
    """
    connection = _connection()
    return question(statement, connection.dialect).ask(connection, values)


def tell(statement: Executable, values: Mapping[str, Any]) -> int:
    """As ask, of a statement that writes: how many rows it wrote."""
    connection = _connection()
    return question(statement, connection.dialect).tell(connection, values)


def _connection() -> Connection:
    session = db.session()
    session.flush()  # what its objects were told goes first, as with any other statement
    return session.connection()


def ask_one(statement: Executable, values: Mapping[str, Any]) -> Any:
    """Its only row. Raises NoResultFound, MultipleResultsFound."""
    rows = ask(statement, values)
    if len(rows) != 1:
        raise MultipleResultsFound if rows else NoResultFound
    return rows[0]


def table_of(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What create_app was given: the settings, the clock, and the way mail leaves."""

    settings: Settings
    now: Callable[[], datetime]
    send: Callable[[EmailMessage], None]


def parts() -> Parts:
    return cast(Parts, current_app.extensions["interlude"])


def keyring() -> Keyring:
    """The keys of what is sealed at rest."""
    return parts().settings.data_keys


def now() -> datetime:
    """This application's clock (tests shift it)."""
    return parts().now()


db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate()
jwt = JWTManager()
api: Any = Api()
csrf = CSRFProtect()
