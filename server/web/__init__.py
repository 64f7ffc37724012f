"""Server-rendered pages: the alert that an email links to, and the way in."""

from flask import Flask

from server.extensions import csrf
from server.web import pages, resets, second_step, sessions, worklist


def register(app: Flask) -> None:
    app.register_blueprint(sessions.routes)
    app.register_blueprint(pages.routes)
    app.register_blueprint(resets.routes)
    app.register_blueprint(second_step.routes)
    app.register_blueprint(worklist.routes)
    # The API takes its token from a header, which no other site can send: forms alone need CSRF tokens.
    for name, blueprint in app.blueprints.items():
        if name not in ("sessions", "pages", "resets", "second_step", "worklist"):
            csrf.exempt(blueprint)


__all__ = ["register"]
