"""A real mail server in this process, and a certificate that nobody vouches for."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from server.mail import Smtp
from tests.certificates import write_certificate


class Mailbox:
    """What aiosmtpd asks, by these names; each answer can be set."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.rcpt = self.data = "250 OK"
        self.hangs_up = False

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_up and server.transport:
            server.transport.close()
        elif self.data.startswith("250"):
            self.received.append(envelope)
        return self.data


class Server(Controller):
    """On a port that the system chose (Controller knocks at the port that it was given, also when that is 0)."""

    def __init__(self, mailbox: Mailbox, **options: Any) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        super().__init__(mailbox, hostname="127.0.0.1", port=port, server_hostname="localhost", **options)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._listening, ssl=self.ssl_context)


Start = Callable[..., Smtp]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def start(mailbox: Mailbox) -> Iterator[Start]:
    """Starts the server on a port that the system chose, and gives the client that sends to it."""
    with ExitStack() as stack:

        def started(security: str = "none", **options: Any) -> Smtp:
            server = Server(mailbox, **options)
            server.start()
            stack.callback(server.stop)
            return Smtp("127.0.0.1", server.port, security, "", "")

        yield started


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key in one file."""
    return write_certificate(tmp_path_factory.mktemp("certificate") / "both")


@pytest.fixture
def tls(self_signed: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed)
    return context
