"""The three ports of a local clinic, all on loopback, counted from PORT."""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from server.local.errors import LocalError

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
LOWEST, HIGHEST = 1024, 65533  # two more ports follow


@dataclass(frozen=True)
class Ports:
    """Where the web, the mailbox's SMTP server and the mailbox's page listen."""

    web: int

    @property
    def smtp(self) -> int:
        return self.web + 1

    @property
    def mailbox(self) -> int:
        return self.web + 2

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.web}"

    @property
    def mailbox_url(self) -> str:
        return f"http://{HOST}:{self.mailbox}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Ports":
        raw = environ.get("PORT", "").strip() or str(DEFAULT_PORT)
        if not (raw.isascii() and raw.isdigit() and LOWEST <= int(raw) <= HIGHEST):
            raise LocalError(f"PORT must be a whole number from {LOWEST} to {HIGHEST}, not {raw!r}.")
        return cls(int(raw))

    def check_free(self) -> None:
        """Raises LocalError naming the first port that is taken."""
        for port, purpose in (
            (self.web, "the web and the API"),
            (self.smtp, "the mailbox's SMTP server"),
            (self.mailbox, "the mailbox's page"),
        ):
            if not _is_free(port):
                raise LocalError(
                    f"Port {port}, for {purpose}, is taken by another program."
                    " Choose another with PORT (it and the next two have to be free), such as"
                    f" PORT={self.web + 100 if self.web + 100 <= HIGHEST else DEFAULT_PORT} make run."
                )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: connections of the last run that still linger don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return False
    return True
