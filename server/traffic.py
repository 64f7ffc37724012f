"""Each request: the id that its log lines and its answer carry, and its one line in the log."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, unbind_contextvars

from server import meters

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# Asked every few seconds by whoever watches us: a line each would hide the others.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


def register(app: Flask) -> None:
    """Before any other, so that it begins first and ends last."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if _SANE.fullmatch(given) else str(uuid.uuid4())
    g.began = time.perf_counter()
    bind_contextvars(request_id=g.request_id)


def _end(answer: Response) -> Response:
    if "request_id" not in g:  # it broke before it began
        _begin()
    answer.headers[REQUEST_ID] = g.request_id
    # The address as it is declared: what stands in its place may be an id, or anything that a stranger wrote.
    route = request.url_rule.rule if request.url_rule else "none"
    method = request.method if request.method in METHODS else "other"
    took = time.perf_counter() - g.began
    meters.answered(method, route, answer.status_code, took)
    caller = g.get("caller")
    say = log.debug if route in PROBES and answer.status_code < 400 else log.info
    say(
        "request",
        method=method,
        route=route,
        status=answer.status_code,
        ms=round(took * 1000, 1),
        # Not who: an account's id is a patient's pseudonym.
        role=str(caller.role) if caller else "nobody",
        clinic_id=str(caller.clinic_id) if caller else None,
    )
    return answer


def _forget(_: BaseException | None) -> None:
    unbind_contextvars("request_id")
