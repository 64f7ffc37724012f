"""The headers that every answer carries, pages, problems and pictures alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Headers = list[tuple[str, str]]

ONE_YEAR = 365 * 24 * 3600
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Over https the forms are checked by their referrer, too, which stays on this site.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# The description's page is a script of our own package, with a few lines of its configuration inline; it holds no
# cookie's page and no form.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def register(app: Flask, base_url: str) -> None:
    """An answer that set one of these itself knows better. They are added as the answer leaves, past Flask, which
    would write each of them down three times.
    """
    secure = base_url.startswith("https://")
    strict = {"Strict-Transport-Security": f"max-age={ONE_YEAR}; includeSubDomains"} if secure else {}
    every = [(name.lower(), (name, value)) for name, value in (HEADERS | strict).items()]
    answer = app.wsgi_app

    def protected(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        def begin(status: str, headers: Headers, error: Any = None, /) -> Callable[[bytes], object]:
            known = {name.lower() for name, _ in headers}
            return start(status, [*headers, *(header for name, header in every if name not in known)], error)

        return answer(environ, begin)

    app.wsgi_app = protected  # type: ignore[assignment,method-assign]  # as Flask's own documentation has it
    app.after_request_funcs.setdefault("swagger_ui", []).append(_let_docs_run)


def varies(answer: Response, by: str) -> None:
    """By one header of the request more."""
    before = answer.headers.get("Vary")
    answer.headers["Vary"] = f"{before}, {by}" if before else by


def _let_docs_run(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", DOCS_POLICY)
    return answer
