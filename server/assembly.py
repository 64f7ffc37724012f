"""What every process of ours shares: the settings, the clock, the mail, the database. No routes."""

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

from flask import Flask

from server.clock import utcnow
from server.extensions import Parts, db
from server.mail import Smtp
from server.settings import Settings


def assemble(
    settings: Settings | None = None,
    *,
    now: Callable[[], datetime] = utcnow,
    send: Callable[[EmailMessage], None] | None = None,
) -> Flask:
    """All that the scheduler and the worker need, which start faster and smaller without pages and pictures.

    Raises SettingsError when the environment is wrong.
    """
    settings = settings or Settings.from_env()
    app = Flask("server", static_folder=None, template_folder="web/templates")
    app.extensions["interlude"] = Parts(settings, now, send or Smtp.of(settings))
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_pre_ping": True,
            "pool_size": 8,
            "max_overflow": 8,
            "pool_timeout": 10,
            # Errors and logs must not show what a statement carried.
            "hide_parameters": True,
            "connect_args": {
                "connect_timeout": 5,
                # A process that freezes inside a transaction must not hold its locks for ever.
                "options": "-c timezone=UTC -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s",
            },
        },
    )
    db.init_app(app)
    return app
