"""A client that costs little: keep-alive connections with one request in flight each, on one thread."""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

HOST = "127.0.0.1"
MOST = 1 << 18


@dataclass(slots=True)
class Outcome:
    seconds: float = 0.0
    taken: list[float] = field(default_factory=list)  # seconds of each request
    statuses: Counter[int] = field(default_factory=Counter)


class Connection:
    """One phone: sends its next request as soon as it has its answer."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.port, self.requests = port, requests
        self.socket = socket.create_connection((HOST, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._held = b""

    def ask(self) -> None:
        request = next(self.requests)
        self.sent = time.perf_counter()
        self._held = b""
        self.socket.sendall(request)

    def answer(self) -> int | None:
        """The status, once the whole answer is there."""
        part = self.socket.recv(MOST)
        if not part:
            raise ConnectionError("the server closed a connection in the middle of a request")
        self._held += part
        head, _, body = self._held.partition(b"\r\n\r\n")
        if not _:
            return None
        headers = head.lower()
        at = headers.find(b"\r\ncontent-length:")
        if at >= 0:
            length = int(headers[at + 17 :].partition(b"\r\n")[0])
            whole = len(body) >= length
        elif b"\r\ntransfer-encoding: chunked" in headers:
            whole = body.endswith(b"0\r\n\r\n")
        else:
            raise ValueError("an answer without a length")
        return int(head[9:12]) if whole else None


def drive(port: int, phones: Sequence[Iterator[bytes]], seconds: float) -> Outcome:
    """All phones at once, for so long."""
    outcome = Outcome()
    with selectors.DefaultSelector() as waiting:
        connections = [Connection(port, requests) for requests in phones]
        began = time.perf_counter()
        ends = began + seconds
        for connection in connections:
            connection.ask()
            waiting.register(connection.socket, selectors.EVENT_READ, connection)
        while waiting.get_map():
            for key, _ in waiting.select():
                connection = key.data
                status = connection.answer()
                if status is None:
                    continue
                at = time.perf_counter()
                outcome.taken.append(at - connection.sent)
                outcome.statuses[status] += 1
                if at < ends:
                    connection.ask()
                else:
                    waiting.unregister(connection.socket)
                    connection.socket.close()
        outcome.seconds = time.perf_counter() - began
    return outcome
