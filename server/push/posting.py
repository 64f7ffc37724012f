"""One POST to a push service: over a verified connection, bounded in time and size, following nobody elsewhere."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from server.errors import PushRefused

TIMES = Timeout(connect=5, read=10)
# More than any answer that we read.
LARGEST_ANSWER = 64 * 1024
LONGEST_WAIT = 3600
TOO_MANY = 429

# Of its own trust and with no proxy: nothing of the environment but what server.settings reads.
_pool = PoolManager(retries=False, timeout=TIMES, maxsize=4, ssl_context=ssl.create_default_context())


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    after: int
    """Seconds for which the service asks to be left alone."""

    @property
    def taken(self) -> bool:
        return self.status in range(200, 300)

    def refusal(self) -> PushRefused:
        """Its text is a status: never an address, nor what the service wrote."""
        passing = self.status == TOO_MANY or self.status in range(500, 600)
        return PushRefused(f"HTTP {self.status}", again=passing, after=self.after)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Raises PushRefused when there is no answer; it may be tried again only if nothing can have arrived."""
    try:
        answer = _pool.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
        try:
            said = answer.read(LARGEST_ANSWER)
        finally:
            answer.close()
    except (NewConnectionError, ConnectTimeoutError, SSLError) as failed:
        raise PushRefused(type(failed).__name__, again=True) from None
    except HTTPError as failed:
        raise PushRefused(type(failed).__name__, again=False) from None
    return Answer(answer.status, said, _seconds(answer.headers.get("Retry-After", "")))


def _seconds(text: str) -> int:
    return min(int(text), LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 9 else 0
