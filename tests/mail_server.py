"""A mail server that does, at any step of a conversation, whatever a mail server may do wrong."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

from server.mail import Smtp
from tests.slow import trickle


class Step(StrEnum):
    """What the server answers, in the order of a conversation."""

    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    HANDSHAKE = "handshake"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END = "end"
    """The dot after the data: with the 250 the message is the server's."""
    QUIT = "quit"


class Fault(StrEnum):
    """What it does in place of an answer."""

    STALLS = "stalls"
    DROPS = "drops"
    TRICKLES = "trickles"
    GARBAGE = "garbage"
    ENDLESS_LINE = "endless_line"
    ENDLESS_LINES = "endless_lines"


FAULTS = frozenset(Fault)
Conversation = Mapping[Step, str]
GOOD = {
    Step.GREETING: "220 ready",
    Step.EHLO: "250 mail.example",
    Step.STARTTLS: "220 go on",
    Step.HANDSHAKE: "",
    Step.MAIL: "250 ok",
    Step.RCPT: "250 ok",
    Step.DATA: "354 go on",
    Step.END: "250 taken",
    Step.QUIT: "221 bye",
}
VERBS = {"HELO": Step.EHLO} | {step.name[:4]: step for step in Step}


@dataclass
class MailServer:
    """Holds each conversation once, in this order, and the last one for ever."""

    conversations: list[Conversation] = field(default_factory=lambda: [{}])
    refuses: dict[str, str] = field(default_factory=dict)
    """What it answers to some recipients, by address."""
    tls: ssl.SSLContext | None = None
    tls_at_once: bool = False
    port: int = 0
    came: list[EmailMessage] = field(default_factory=list)
    """All messages that it got whole, whatever it answered."""
    taken: list[EmailMessage] = field(default_factory=list)
    """To these it said 250."""
    outwaited: bool = False
    """Somebody heard all that it had to say, a letter at a time."""
    stalled: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    """Set, it lets go of whom it made wait."""

    def client(self, **more: Any) -> Smtp:
        security = "none" if self.tls is None else "tls" if self.tls_at_once else "starttls"
        return Smtp("127.0.0.1", self.port, security, "", "", **more)

    def next_conversation(self) -> Conversation:
        return self.conversations.pop(0) if len(self.conversations) > 1 else self.conversations[0]


class _Talk(StreamRequestHandler):
    """One conversation."""

    mail_server: MailServer

    def handle(self) -> None:
        self.said = self.mail_server.next_conversation()
        self.plain = not self.mail_server.tls_at_once
        # The client may hang up whenever it likes.
        with suppress(OSError):
            self._talk()

    def finish(self) -> None:
        for opened in (self.wfile, self.rfile, self.connection):
            with suppress(OSError):
                opened.close()

    def _talk(self) -> None:
        goes_on = (self.plain or self._secured()) and self._answers(Step.GREETING)
        while goes_on and (line := self.rfile.readline(1024)):
            goes_on = self._heard(line.decode("ascii").strip())

    def _heard(self, line: str) -> bool:
        """Whether the conversation goes on."""
        step = VERBS.get(line[:4].upper())
        if step is Step.RCPT:
            return self._answers(step, self.mail_server.refuses.get(line.partition("<")[2].rstrip(">")))
        if step is Step.DATA:
            return self._answers(step) and (self.answered != GOOD[step] or self._takes_data())
        if step is Step.STARTTLS:
            return self._answers(step) and (self.answered != GOOD[step] or self._secured())
        return self._answers(step) if step else self._tells("250 ok")

    def _takes_data(self) -> bool:
        raw = b"".join(iter(self.rfile.readline, b".\r\n"))
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mail_server.came.append(message)
        if self.said.get(Step.END, GOOD[Step.END]) == GOOD[Step.END]:
            self.mail_server.taken.append(message)
        return self._answers(Step.END)

    def _secured(self) -> bool:
        if not self._answers(Step.HANDSHAKE):
            return False
        assert self.mail_server.tls is not None
        self.request = self.connection = self.mail_server.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.plain = False
        return True

    def _answers(self, step: Step, instead: str | None = None) -> bool:
        self.answered = instead or self.said.get(step, GOOD[step])
        if self.answered in FAULTS:
            return self._fails(Fault(self.answered))
        if step is Step.EHLO and self.plain and self.mail_server.tls and self.answered == GOOD[step]:
            self._tells("250-mail.example")
            return self._tells("250 STARTTLS")
        return step is Step.HANDSHAKE or self._tells(self.answered)

    def _fails(self, fault: Fault) -> bool:
        if fault is Fault.STALLS:
            self.mail_server.stalled.set()
            self.mail_server.over.wait()
        elif fault is Fault.TRICKLES:
            self.mail_server.outwaited |= trickle(self.connection, self.mail_server.over, b"2")
        elif fault is Fault.GARBAGE:
            self.wfile.write(b"\xff\x00 what?\r\n")
            return True
        elif fault is not Fault.DROPS:
            told = b"2" * 65536 if fault is Fault.ENDLESS_LINE else b"250-and\r\n" * 8000
            # The client hangs up long before this ends.
            for _ in range(1000):
                self.wfile.write(told)
        return False

    def _tells(self, answer: str) -> bool:
        self.wfile.write(f"{answer}\r\n".encode())
        return not answer.startswith(("421", "221"))


@contextmanager
def listening(server: MailServer) -> Iterator[MailServer]:
    talk = type("Talk", (_Talk,), {"mail_server": server})
    with ThreadingTCPServer(("127.0.0.1", 0), talk) as listener:
        server.port = listener.server_address[1]
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            listener.shutdown()
            thread.join()
