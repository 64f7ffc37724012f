"""Servers that speak no protocol, or too slowly: plain sockets, and nothing between them and the client."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import create_server, socket
from threading import Event, Thread

# So soon that the time-out of a wait never comes, and so many that a client without another one shows.
LETTER_SECONDS, LETTERS = 0.01, 1000


def trickle(to: socket, over: Event, letter: bytes = b"H") -> bool:
    """A letter at a time, until the client hangs up or the test is over. True: the client heard all of them."""
    with suppress(OSError):
        for _ in range(LETTERS):
            if over.wait(LETTER_SECONDS):
                return False
            to.sendall(letter)
        return True
    return False


@contextmanager
def speaking(said: bytes, slowly: bool) -> Iterator[int]:
    """A port on which one client is heard once, and then told this; `slowly`: letters follow, one by one."""
    over = Event()
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            # Whoever heard enough hangs up.
            with client, suppress(OSError):
                client.recv(65536)
                client.sendall(said)
                if slowly:
                    trickle(client, over)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()
