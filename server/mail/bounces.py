"""A bounce read: which of our mails did not arrive, at whom, and whether it ever will (RFC 3464, RFC 6533).

Anybody can write to the address that bounces come to, so nothing here trusts a line: a mail is cut into its parts once,
by their boundary, and never deeper.
"""

import base64
import binascii
import quopri
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from server.errors import NotABounce

# Of the original a server returns the whole or the headers, and ours are small.
LARGEST_BOUNCE = 1024 * 1024
MOST_PARTS, MOST_RECIPIENTS = 20, 100
LONGEST_HEADERS = 64 * 1024
LONGEST_ADDRESS = 320
REPORTS = ("message/delivery-status", "message/global-delivery-status")
RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
# Ours, above one of the mail server's own making: some give each mail a Message-ID of their own.
NAMES_OURS = ("X-Mail-ID", "Message-ID", "X-Microsoft-Original-Message-ID")
FAILED, DELAYED = "failed", "delayed"

_OUR_ID = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:@[^\s<>@]{1,255})?>?")
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s";]{1,200}))', re.IGNORECASE)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
# At the very beginning, too: then there are no headers.
_EMPTY = re.compile(rb"(?:^|\r?\n)\r?\n")
_BETWEEN = re.compile(rb"(?:\r?\n[ \t]*){2,}")
_headers = BytesHeaderParser()


@dataclass(frozen=True, slots=True)
class Bounced:
    """One mail of ours that one recipient did not get, as a server says that may not be telling the truth."""

    message_id: uuid.UUID
    recipient: str
    status: str
    """RFC 3463, such as 5.1.1: no such mailbox."""
    gave_up: bool
    """Nobody tries any more: this mail does not arrive. Otherwise it is late."""

    @property
    def lasting(self) -> bool:
        """Nor will another one arrive at this address."""
        return self.gave_up and self.status.startswith("5")


def read_bounce(raw: bytes) -> Sequence[Bounced]:
    """None for a report that nothing went wrong. Raises NotABounce for what is no report, or of no mail of ours."""
    if len(raw) > LARGEST_BOUNCE:
        raise NotABounce("It is larger than any bounce.")
    parts = {_kind(part): (part, body) for part, body in reversed(list(_parts(raw)))}
    report = next((parts[kind] for kind in REPORTS if kind in parts), None)
    if report is None:
        raise NotABounce("It is no report of a delivery.")
    returned = next((parts[kind] for kind in RETURNED if kind in parts), None)
    message_id = _our_id(_decoded(*returned)) if returned else None
    if message_id is None:
        raise NotABounce("It names no message of ours.")
    return tuple(_bounced(message_id, _decoded(*report)))


def _parts(raw: bytes) -> Iterator[tuple[Message, bytes]]:
    """The headers and the body of each part."""
    head, body = _cut(raw)
    # The library's own reading of it decodes charsets and numbers, and breaks on those that are none.
    boundary = _BOUNDARY.search(_text(head, "Content-Type"))
    if _kind(head) != "multipart/report" or boundary is None:
        raise NotABounce("It is no report of a delivery.")
    line = rb"--" + re.escape((boundary[1] or boundary[2]).encode()) + rb"(?:--)?[ \t]*"
    for part in re.split(rb"(?:^|\r?\n)" + line + rb"(?:\r?\n|$)", body, maxsplit=MOST_PARTS)[1:]:
        yield _cut(part)


def _cut(raw: bytes) -> tuple[Message, bytes]:
    """Where the first empty line is. Of headers without end only the beginning is read."""
    empty = _EMPTY.search(raw)
    head, body = (raw[: empty.start()], raw[empty.end() :]) if empty else (raw, b"")
    return _headers.parsebytes(head[:LONGEST_HEADERS]), body


def _kind(part: Message) -> str:
    return part.get_content_type()


def _decoded(part: Message, body: bytes) -> bytes:
    """Without its transfer encoding, which few have."""
    encoding = _text(part, "Content-Transfer-Encoding").lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding != "base64":
        return body
    try:
        return base64.b64decode(body)
    except binascii.Error:
        return b""


def _our_id(returned: bytes) -> uuid.UUID | None:
    original, _ = _cut(returned)
    for name in NAMES_OURS:
        found = _OUR_ID.fullmatch(_text(original, name).lower())
        if found:
            return uuid.UUID(found[1])
    return None


def _bounced(message_id: uuid.UUID, report: bytes) -> Iterator[Bounced]:
    """The first block is about the report itself, each other about one recipient."""
    for block in _BETWEEN.split(report.strip(), maxsplit=MOST_RECIPIENTS)[1:]:
        fields, _ = _cut(block)
        action = _text(fields, "Action").lower().partition(" ")[0]
        recipient = _address(fields)
        if action in (FAILED, DELAYED) and recipient:
            said = _STATUS.match(_text(fields, "Status"))
            status = said[0] if said else "5.0.0" if action == FAILED else "4.0.0"
            yield Bounced(message_id, recipient, status, gave_up=action == FAILED)


def _address(fields: Message) -> str:
    """Whom we wrote to, before the address of where that led; without its kind."""
    for name in ("Original-Recipient", "Final-Recipient"):
        kind, named, address = _text(fields, name).partition(";")
        address = (address if named else kind).strip(" \t<>")
        if address and len(address) <= LONGEST_ADDRESS and address.isprintable():
            return address
    return ""


def _text(of: Message, name: str) -> str:
    return "".join(str(of.get(name, "")).splitlines()).strip()
