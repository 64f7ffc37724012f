"""Cursors: where a page of a list ended, so that rows that arrive meanwhile neither repeat nor hide one."""

import base64
import binascii
import uuid
from dataclasses import dataclass
from datetime import datetime

from server.errors import Refused


@dataclass(frozen=True, slots=True)
class Cursor:
    """The (instant, id) of the last row that was given; lists are ordered by that pair."""

    at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.at.isoformat()} {self.id}".encode()).decode()


def parse_cursor(text: str | None) -> Cursor | None:
    """Raises Refused for anything that we did not give out."""
    if text is None:
        return None
    try:
        at, _, id_ = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True).decode().partition(" ")
        cursor = Cursor(datetime.fromisoformat(at), uuid.UUID(id_))
    except (ValueError, binascii.Error) as error:
        raise Refused("cursor", "This cursor is not one of ours.") from error
    if cursor.at.tzinfo is None:
        raise Refused("cursor", "This cursor is not one of ours.")
    return cursor
