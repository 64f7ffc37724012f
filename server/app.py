"""create_app: the one place where the parts meet."""

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

from flask import Flask

from server import api, cli, web
from server.clock import utcnow
from server.extensions import Parts, csrf, db, migrate
from server.mail import Smtp
from server.settings import Settings

# Larger than any body that a route takes; a route's own limit answers first.
LARGEST_REQUEST = 1024 * 1024


def create_app(
    settings: Settings | None = None,
    *,
    now: Callable[[], datetime] = utcnow,
    send: Callable[[EmailMessage], None] | None = None,
) -> Flask:
    """The WSGI application. Raises SettingsError when the environment is wrong."""
    settings = settings or Settings.from_env()
    app = Flask("server", static_folder=None, template_folder="web/templates")
    app.extensions["interlude"] = Parts(settings, now, send or Smtp.of(settings))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
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
        # A form lives as long as its session, which ends by our own clock.
        WTF_CSRF_TIME_LIMIT=None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https://"),
    )
    db.init_app(app)
    migrate.init_app(app, db, directory="migrations", compare_type=True, render_as_batch=False)
    csrf.init_app(app)
    api.register(app, settings.jwt_secret_key)
    web.register(app)
    cli.register(app)
    return app
