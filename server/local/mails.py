"""The folder of received mails, one file each, and what can be read from one."""

import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path

from server.local.files import write_private

# Nanoseconds since 1970 and a little chance: names sort by time and no path fits this pattern.
NAME = re.compile(r"[0-9]{19}-[0-9a-f]{8}")
NANOSECONDS = 1_000_000_000
# What the email package raises over a mail that somebody made badly, or on purpose.
UNREADABLE = (MessageError, LookupError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class Mail:
    """One received mail; `text` and `html` are empty when it has no such part."""

    name: str
    sender: str
    to: str
    subject: str
    received_at: datetime
    text: str
    html: str
    raw: bytes


def keep(folder: Path, content: bytes) -> str:
    """Store a mail; it is on disk when this returns its name."""
    name = f"{time.time_ns():019d}-{secrets.token_hex(4)}"
    write_private(folder / f"{name}.eml", content)
    return name


def names(folder: Path) -> list[str]:
    """Newest first."""
    return sorted((path.stem for path in folder.glob("*.eml") if NAME.fullmatch(path.stem)), reverse=True)


def find(folder: Path, name: str) -> Mail | None:
    if not NAME.fullmatch(name):
        return None
    try:
        return _read(folder / f"{name}.eml")
    except FileNotFoundError:
        return None


@lru_cache(maxsize=500)  # a stored mail never changes
def _read(path: Path) -> Mail:
    raw = path.read_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    return Mail(
        name=path.stem,
        sender=_header(message, "From"),
        to=_header(message, "X-Envelope-To") or _header(message, "To"),
        subject=_header(message, "Subject"),
        received_at=datetime.fromtimestamp(int(path.stem.split("-")[0]) // NANOSECONDS, UTC),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        raw=raw,
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except UNREADABLE:
        return "(unreadable)"


def _part(message: EmailMessage, kind: str) -> str:
    try:
        part = message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""
    except UNREADABLE:
        return "(unreadable)"
