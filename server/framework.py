"""Flask, without what no request of ours needs. It looks so at each one, and a phone asks often."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class Sessions(SecureCookieSessionInterface):
    """A browser's. Who shows no cookie, as no phone does, has an empty one, and no key is made ready to read it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()


class Framework(Flask):
    session_interface = Sessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Whether it is async is asked of each hook and view of each request. None of ours is (tests/test_code)."""
        return func
