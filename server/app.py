"""create_app: the one place where the parts meet."""

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from flask import Flask

from server import api, cli, compression, headers, languages, pace, traffic, web
from server.assembly import assemble, require_keys, settings_of_this_process
from server.clock import utcnow
from server.extensions import csrf, db, migrate
from server.origin import cookie_name
from server.settings import Settings, SettingsError

# Larger than any body that a route takes; a route's own limit answers first.
LARGEST_REQUEST = 1024 * 1024


def create_app(
    settings: Settings | None = None,
    *,
    now: Callable[[], datetime] = utcnow,
    send: Callable[[EmailMessage], None] | None = None,
) -> Flask:
    """The WSGI application. Raises SettingsError when the environment is wrong."""
    settings = settings or settings_of_this_process()
    app = assemble(settings, now=now, send=send)
    secure = settings.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        # A form lives as long as its session, which ends by our own clock.
        WTF_CSRF_TIME_LIMIT=None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_NAME=cookie_name("session", secure=secure),
    )
    traffic.register(app)
    compression.register(app)
    languages.register(app)
    headers.register(app, settings.base_url)
    migrate.init_app(app, db, directory="migrations", compare_type=True, render_as_batch=False)
    csrf.init_app(app)
    pace.configure(app, settings)
    api.register(app)
    web.register(app)
    cli.register(app)
    return app


def serve(*, now: Callable[[], datetime] = utcnow) -> Flask:
    """What a web process runs. Raises KeysLost, too, when its keys cannot open what is stored."""
    settings = settings_of_this_process()
    if settings.metrics_token and not (settings.metrics_folder and Path(settings.metrics_folder).is_dir()):
        # One of several processes would tell of its own requests as if they were all.
        raise SettingsError(
            "Interlude cannot start:\n  PROMETHEUS_MULTIPROC_DIR must name a folder: METRICS_TOKEN is set"
        )
    app = create_app(settings, now=now)
    require_keys(app)
    return app
