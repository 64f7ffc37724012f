"""The REST API: a route is guard, validated values, one service call, commit."""

from flask import Flask

from server.api import (
    access,
    alerts,
    app_versions,
    audit,
    caseload,
    check_ins,
    consents,
    mine,
    ops,
    password_resets,
    problem_pages,
    problems,
    push,
    quarantine,
    routing,
    second_factor,
    sync,
    tokens,
    trend,
    urges,
)
from server.api.description import describe
from server.extensions import api

ROUTES = (
    access.routes,
    password_resets.routes,
    second_factor.routes,
    mine.routes,
    push.routes,
    check_ins.routes,
    urges.routes,
    sync.routes,
    quarantine.routes,
    caseload.routes,
    trend.routes,
    alerts.routes,
    routing.routes,
    consents.routes,
    audit.routes,
    problem_pages.routes,
    ops.routes,
)


def register(app: Flask) -> None:
    describe(app)
    tokens.configure(app)
    for routes in ROUTES:
        api.register_blueprint(routes)
    app.register_blueprint(ops.pages)
    # After flask-smorest, whose own error handler these replace.
    problems.register(app)
    app_versions.register(app)


__all__ = ["register"]
