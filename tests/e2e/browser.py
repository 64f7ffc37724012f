"""A client that keeps cookies and follows redirects, as a phone or a browser does."""

import json
import re
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener


class Browser:
    """`token` signs API calls; pages use cookies."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.token: str | None = None
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def answers(self, path: str) -> bool:
        try:
            return self._open(Request(self.base_url + path))[0] == 200  # noqa: S310  # our own address
        except (URLError, ConnectionError):
            return False

    def call(self, method: str, path: str, body: Any = None, *, expect: int) -> Any:
        """One API call; fails unless it is answered with `expect`."""
        status, text = self._call(method, path, body)
        assert status == expect, f"{method} {path}: {status} {text[:500]}"
        return json.loads(text) if text else None

    def status(self, method: str, path: str, body: Any = None) -> int:
        """Of one API call, whatever it is."""
        return self._call(method, path, body)[0]

    def _call(self, method: str, path: str, body: Any) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        sent = None if body is None else json.dumps(body).encode()
        return self._open(Request(self.base_url + path, sent, headers, method=method))  # noqa: S310

    def page(self, url: str) -> str:
        """A GET, redirects followed."""
        status, text = self._open(Request(url))  # noqa: S310
        assert status == 200, f"GET {url}: {status}"
        return text

    def submit(self, page: str, path: str, **values: str) -> str:
        """Posts the form of `page` with its hidden fields."""
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        sent = urlencode({**hidden, **values}).encode()
        status, text = self._open(Request(self.base_url + path, sent, {"Referer": self.base_url}))  # noqa: S310
        assert status == 200, f"POST {path}: {status}"
        return text

    def _open(self, request: Request) -> tuple[int, str]:
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
