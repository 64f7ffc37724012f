"""Standard Webhooks, v1: HMAC-SHA-256 over the message's id, the second of the attempt and the body."""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32
# What the specification allows.
SHORTEST, LONGEST = 24, 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Raises ValueError, which never repeats what was given."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"must be {PREFIX} and {SHORTEST} to {LONGEST} bytes in base64")
    return key


def signed(body: bytes, message_id: str, secret: str, now: datetime) -> dict[str, str]:
    """The headers that say who sends it, and when; a receiver refuses what is older than some minutes."""
    second = str(int(now.timestamp()))
    mac = hmac.new(key_of(secret), b".".join((message_id.encode(), second.encode(), body)), hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": second,
        "webhook-signature": f"v1,{base64.b64encode(mac.digest()).decode()}",
    }
