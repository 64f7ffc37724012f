"""One SMTP transaction per message, on a verified connection, with a timeout on every step."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from server.errors import MailRefused
from server.settings import Settings

TIMEOUT_SECONDS = 20
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
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code = next(iter(refused.recipients.values()))[0]
            raise _refused(code) from refused
        except smtplib.SMTPDataError as refused:
            raise _refused(refused.smtp_code) from refused
        except smtplib.SMTPResponseException as refused:
            # The greeting, the sign-in, the sender: the server refuses us, not this message. Somebody will mend
            # that, and the message must still be there.
            raise MailRefused(f"SMTP {refused.smtp_code}", lasting=False) from refused
        except (OSError, smtplib.SMTPException) as failed:
            raise MailRefused(type(failed).__name__, lasting=False) from failed

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        tls = ssl.create_default_context()
        at: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "local_hostname": GREETING}
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, context=tls, **at)
        else:
            server = smtplib.SMTP(self.host, self.port, **at)
        try:
            if self.security == "starttls":
                server.starttls(context=tls)
            if self.username:
                server.login(self.username, self.password)
            yield server
            # The 250 has come: what goes wrong in saying goodbye must not send the message again.
            _say_goodbye(server)
        finally:
            server.close()


def _say_goodbye(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        return


def _refused(code: int) -> MailRefused:
    """A 5xx to the recipient or to the message lasts, but not a full disk (552) nor a sign-in that is wanted (53x)."""
    lasting = code in range(500, 600) and code not in (*range(530, 540), 552)
    return MailRefused(f"SMTP {code}", lasting=lasting)
