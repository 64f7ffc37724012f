"""Web Push: RFC 8030, sealed for the browser (RFC 8291) and signed as ours (RFC 8292)."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta

from py_vapid import Vapid02
from pywebpush import WebPusher

from server.errors import PushAddressGone
from server.posting import post
from server.push.addresses import Subscription, origin_of
from server.push.answers import refusal
from server.push.messages import TOPIC, Message
from server.senders import VapidKey

# A day is the most that a service takes.
SIGNED_FOR = timedelta(hours=12)
GONE = (404, 410)


def send(to: Subscription, message: Message, lasts: int, key: VapidKey, contact: str, now: datetime) -> None:
    """`lasts`: for how many seconds the service keeps it. Raises PushRefused, PushAddressGone, Unanswered."""
    keys = {"p256dh": to.p256dh, "auth": to.auth}
    sealed = WebPusher({"endpoint": to.endpoint, "keys": keys}).encode(json.dumps(asdict(message)).encode())
    claims = {"aud": origin_of(to.endpoint), "exp": int((now + SIGNED_FOR).timestamp()), "sub": contact}
    answer = post(
        to.endpoint,
        sealed["body"],
        {
            **Vapid02.from_raw(key.private.encode()).sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(lasts),
            "Urgency": "normal",
            "Topic": TOPIC,
        },
    )
    if answer.status in GONE:
        raise PushAddressGone(f"HTTP {answer.status}")
    if not answer.taken:
        raise refusal(answer)
