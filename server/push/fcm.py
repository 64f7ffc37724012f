"""Firebase Cloud Messaging, HTTP v1: a token for our service account (RFC 7523), then the message."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt

from server.errors import PushAddressGone, PushRefused, Unanswered
from server.posting import Answer, post
from server.push.addresses import FcmToken
from server.push.answers import refusal
from server.push.messages import TOPIC, Message
from server.senders import ServiceAccount

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASKED_FOR = timedelta(hours=1)
# A token that is about to end is not used any more.
SPARE = timedelta(minutes=2)
NOT_SIGNED_IN = 401


@dataclass(frozen=True, slots=True, repr=False)
class Granted:
    token: str
    until: datetime


# Of this process, by account: asking anew for each push would double the requests.
_granted: dict[ServiceAccount, Granted] = {}


def send(to: FcmToken, message: Message, lasts: int, account: ServiceAccount, url: str, now: datetime) -> None:
    """`lasts`: for how many seconds the service keeps it. Raises PushRefused, PushAddressGone, Unanswered."""
    said = {"message": _message(to, message, now + timedelta(seconds=lasts), lasts)}
    answer = post(
        f"{url}/v1/projects/{account.project_id}/messages:send",
        json.dumps(said).encode(),
        {"Authorization": f"Bearer {_token(account, now)}", "Content-Type": "application/json"},
    )
    if answer.taken:
        return
    if answer.status == NOT_SIGNED_IN:
        _granted.pop(account, None)
        raise PushRefused("HTTP 401", again=True)
    # A plain 404 may as well be a project that we got wrong: that must not cost us every address.
    if "UNREGISTERED" in _codes(answer):
        raise PushAddressGone(f"HTTP {answer.status}")
    raise refusal(answer)


def _message(to: FcmToken, message: Message, until: datetime, lasts: int) -> dict[str, Any]:
    return {
        "token": to.token,
        "notification": asdict(message),
        "android": {"ttl": f"{lasts}s", "priority": "normal", "collapse_key": TOPIC, "notification": {"tag": TOPIC}},
        "apns": {
            "headers": {
                "apns-expiration": str(int(until.timestamp())),
                "apns-priority": "5",
                "apns-collapse-id": TOPIC,
            }
        },
    }


def _token(account: ServiceAccount, now: datetime) -> str:
    """Raises PushRefused; nothing was sent then."""
    known = _granted.get(account)
    if known is None or now >= known.until:
        known = _granted[account] = _ask(account, now)
    return known.token


def _ask(account: ServiceAccount, now: datetime) -> Granted:
    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": int(now.timestamp()),
        "exp": int((now + ASKED_FOR).timestamp()),
    }
    signed = jwt.encode(claims, account.private_key, "RS256", {"kid": account.private_key_id})
    try:
        answer = post(
            account.token_uri,
            urlencode({"grant_type": GRANT, "assertion": signed}).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
    except Unanswered as failed:
        raise PushRefused(failed.detail, again=True) from None
    said = _json(answer)
    token, seconds = said.get("access_token"), said.get("expires_in")
    if not answer.taken or not isinstance(token, str) or not isinstance(seconds, int):
        raise PushRefused(f"no token: HTTP {answer.status}", again=True, after=answer.after)
    return Granted(token, now + timedelta(seconds=min(seconds, 24 * 3600)) - SPARE)


def _codes(answer: Answer) -> set[str]:
    """What the service calls it when a message is refused."""
    error = _json(answer).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    listed = details if isinstance(details, list) else []
    return {str(each.get("errorCode")) for each in listed if isinstance(each, dict)}


def _json(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
