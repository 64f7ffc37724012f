"""One SMTP transaction per message, on a verified connection, with a time for each step and one for the whole."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from server.deadline import Deadline, TooLong, reading
from server.errors import MailRefused
from server.settings import Settings

STEP_SECONDS, WHOLE_SECONDS = 20, 120
# The message is theirs by then: until it is recorded as sent, every second is one in which a crash sends it again.
GOODBYE_SECONDS = 2
# More than any server says in a conversation.
LONGEST_TALK = 64 * 1024
# What we say in EHLO. Left out, smtplib asks the DNS for this machine's name, with no timeout, and tells it.
GREETING = "[127.0.0.1]"


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server; calling it sends one message to its one recipient and returns after the 250."""

    host: str
    port: int
    security: str
    username: str
    password: str
    step_seconds: float = STEP_SECONDS
    whole_seconds: float = WHOLE_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> "Smtp":
        return cls(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            settings.smtp_username,
            settings.smtp_password,
        )

    def __call__(self, message: EmailMessage) -> None:
        """Raises MailRefused; its text is a status code or a kind of failure, never what the server wrote."""
        try:
            with self._connected() as server:
                _send(server, message)
        except smtplib.SMTPRecipientsRefused as refused:
            code = next(iter(refused.recipients.values()))[0]
            raise _refused(code) from refused
        except smtplib.SMTPDataError as refused:
            raise _refused(refused.smtp_code) from refused
        except smtplib.SMTPResponseException as refused:
            # The greeting, the sign-in, the sender: the server refuses us, not this message. Somebody will mend
            # that, and the message must still be there.
            raise MailRefused(_said(refused.smtp_code), lasting=False) from refused
        except (OSError, smtplib.SMTPException) as failed:
            raise MailRefused(_kind(failed), lasting=False) from failed

    @contextmanager
    def _connected(self) -> Iterator["_Conversation"]:
        deadline = Deadline(self.whole_seconds, self.step_seconds)
        if self.security == "tls":
            server: _Conversation = _OverTls(self.host, self.port, deadline, context=ssl.create_default_context())
        else:
            server = _Conversation(self.host, self.port, deadline)
        try:
            if self.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.username:
                server.login(self.username, self.password)
            yield server
            # The 250 has come: what goes wrong in saying goodbye must not send the message again.
            _say_goodbye(server)
        finally:
            server.close()


class _Conversation(smtplib.SMTP):
    """Over in time, whatever the server says and however slowly it says it."""

    def __init__(self, host: str, port: int, deadline: Deadline, **more: Any) -> None:
        self.deadline = deadline
        super().__init__(host, port, local_hostname=GREETING, timeout=deadline.left(), **more)

    def send(self, s: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.deadline.left())
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = reading(self.sock, self.deadline, LONGEST_TALK)
        return super().getreply()


class _OverTls(_Conversation, smtplib.SMTP_SSL):
    """From the first byte."""


def _send(server: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except smtplib.SMTPNotSupportedError as unsupported:
        # The recipient's address is not in ASCII, and the server takes no other.
        raise MailRefused(_kind(unsupported), lasting=True) from unsupported


def _say_goodbye(server: _Conversation) -> None:
    server.deadline.come_within(GOODBYE_SECONDS)
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        return


def _kind(failed: Exception) -> str:
    """smtplib calls everything that ends a conversation a disconnection; who waited in vain should read so."""
    cause = failed.__context__
    return type(cause if isinstance(cause, TimeoutError | TooLong) else failed).__name__


def _refused(code: int) -> MailRefused:
    """A 5xx to the recipient or to the message lasts, but not a full disk (552) nor a sign-in that is wanted (53x)."""
    lasting = code in range(500, 600) and code not in (*range(530, 540), 552)
    return MailRefused(_said(code), lasting=lasting)


def _said(code: int) -> str:
    return f"SMTP {code}" if code in range(200, 600) else "not SMTP"
