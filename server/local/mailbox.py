"""A mailbox for development: every mail ends here, on this machine, and can be read on a page."""

import signal
import sys
from pathlib import Path
from types import FrameType

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from werkzeug.serving import WSGIRequestHandler, make_server

from server.local.errors import LocalError
from server.local.mailbox_page import create_page
from server.local.mails import keep
from server.local.ports import HOST, Ports


class Inbox:
    """What aiosmtpd asks, by these names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answers 250 once the mail is on disk, headers and all as it came."""
        recipients = ", ".join(envelope.rcpt_tos)
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n"
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            keep(self.folder, head.encode(errors="replace") + content)
        except OSError as error:
            return f"451 not stored: {error.strerror}"
        return "250 OK stored"


class QuietRequests(WSGIRequestHandler):
    """The page reloads itself every few seconds: nobody wants to read that."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(folder: Path, ports: Ports) -> None:
    """Until SIGTERM, at once: what was answered with 250 is on disk, what was not is sent again."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    smtp = inbox_server(folder, ports.smtp)
    try:
        smtp.start()
        page = make_server(HOST, ports.mailbox, create_page(folder), threaded=True, request_handler=QuietRequests)
    except OSError as error:
        smtp.stop(no_assert=True)
        raise LocalError(f"The mailbox cannot listen on {HOST}: {error.strerror}.") from None
    try:
        page.serve_forever()
    finally:
        page.server_close()
        smtp.stop()


def inbox_server(folder: Path, port: int) -> Controller:
    # server_hostname: without it aiosmtpd asks the DNS for our name, which can take seconds.
    return Controller(Inbox(folder), hostname=HOST, port=port, server_hostname="localhost", ident="mailbox")


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
