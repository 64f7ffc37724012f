"""One POST to somebody else's service: over a verified connection, bounded in time and size, following nobody."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from socket import socket
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from server.deadline import Deadline, reading
from server.errors import Unanswered

CONNECT_SECONDS, STEP_SECONDS, ANSWER_SECONDS = 5, 10, 20
# More than any answer that we read; as much again may be its headers.
LARGEST_ANSWER = 64 * 1024
LONGEST_WAIT = 3600
TOO_MANY = 429


class _Bounded(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = reading(sock, Deadline(ANSWER_SECONDS, STEP_SECONDS), 2 * LARGEST_ANSWER)


class _Http(HTTPConnection):
    response_class = _Bounded


class _Https(HTTPSConnection):
    response_class = _Bounded


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


# Of its own trust and with no proxy: nothing of the environment but what server.settings reads.
_pool = PoolManager(
    retries=False,
    timeout=Timeout(connect=CONNECT_SECONDS, read=STEP_SECONDS),
    maxsize=4,
    ssl_context=ssl.create_default_context(),
)
_pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    after: int
    """Seconds for which the service asks to be left alone."""

    @property
    def taken(self) -> bool:
        return self.status in range(200, 300)

    @property
    def passing(self) -> bool:
        """Whether the same may be taken later."""
        return self.status == TOO_MANY or self.status in range(500, 600)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Raises Unanswered."""
    try:
        answer = _pool.request(
            "POST", url, body=body, headers=headers, redirect=False, preload_content=False, decode_content=False
        )
        try:
            said = answer.read(LARGEST_ANSWER)
        finally:
            answer.close()
    except (NewConnectionError, ConnectTimeoutError, SSLError) as failed:
        raise Unanswered(type(failed).__name__, arrived=False) from None
    except HTTPError as failed:
        raise Unanswered(type(failed).__name__, arrived=True) from None
    return Answer(answer.status, said, _seconds(answer.headers.get("Retry-After", "")))


def _seconds(text: str) -> int:
    return min(int(text), LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 9 else 0
