"""How an audited event is tied to the one before: HMAC-SHA-256, under a key that has an id. Pure."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

FIRST = bytes(32)
"""The link before the first."""

Fields = dict[str, Any]
"""A row of audit_event by its columns, without its link."""


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """The current one makes links; all of them verify."""

    current: str
    of: Mapping[str, bytes] = field(repr=False)

    @property
    def secrets(self) -> list[str]:
        return [key.decode() for key in self.of.values()]


def link_of(key: bytes, before: bytes, fields: Fields) -> bytes:
    return hmac.digest(key, before + canonical(fields), hashlib.sha256)


def canonical(fields: Fields) -> bytes:
    """The same bytes for the same row, whether it is about to be written or was read back."""
    said = {name: _plain(value) for name, value in fields.items()}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
