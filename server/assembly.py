"""What every process of ours shares: the settings, the clock, the mail, the database. No routes."""

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

import structlog
from flask import Flask
from psycopg.errors import UndefinedTable
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from server.clock import utcnow
from server.connections import watch_connections
from server.cursors import LazyCursor, answer_in_binary
from server.extensions import Parts, db, keyring
from server.framework import Framework
from server.logs import configure_logging, described
from server.mail import Smtp
from server.services.keys import check_keys
from server.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def settings_of_this_process() -> Settings:
    """The environment's; whoever runs by it is a program of its own, whose log is ours to set up.

    Raises SettingsError when the environment is wrong.
    """
    settings = Settings.from_env()
    configure_logging(settings.log_format)
    return settings


def assemble(
    settings: Settings | None = None,
    *,
    now: Callable[[], datetime] = utcnow,
    send: Callable[[EmailMessage], None] | None = None,
) -> Flask:
    """All that the scheduler and the worker need, which start faster and smaller without pages and pictures.

    Raises SettingsError when the environment is wrong.
    """
    settings = settings or settings_of_this_process()
    app = Framework("server", static_folder=None, template_folder="web/templates")
    app.extensions["interlude"] = Parts(settings, now, send or Smtp.of(settings))
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": 8,
            "max_overflow": 8,
            "pool_timeout": 10,
            # Errors and logs must not show what a statement carried.
            "hide_parameters": True,
            "connect_args": {
                "connect_timeout": 5,
                "cursor_factory": LazyCursor,
                # A process that freezes inside a transaction must not hold its locks for ever.
                "options": "-c timezone=UTC -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s",
            },
        },
    )
    db.init_app(app)
    with app.app_context():
        watch_connections(db.engine)
        answer_in_binary(db.engine)
    return app


def require_keys(app: Flask) -> None:
    """What each process does before it starts to work. Raises KeysLost when its keys cannot open what is stored.

    A database that is away, or not migrated, cannot be asked. That stops no start: readyz asks again, and nothing is
    sealed (server.models.sealed) before the database was asked.
    """
    with app.app_context():
        try:
            check_keys(db.session.connection(), keyring())
        except (OperationalError, ProgrammingError) as error:
            if not _cannot_be_asked(error):
                raise
            log.warning("the keys could not be checked yet", error=described(error))


def _cannot_be_asked(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) or isinstance(error.orig, UndefinedTable)
