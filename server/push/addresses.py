"""Where a push goes: what a browser or an app says of itself, checked before it is kept and before it is called."""

import json
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from server.errors import Refused
from server.senders import from_base64url
from server.settings import Settings

_TOKEN = re.compile(r"[A-Za-z0-9_:.-]+")
AUTH_BYTES = 16


class Kind(StrEnum):
    WEB_PUSH = "web_push"
    FCM = "fcm"


@dataclass(frozen=True, slots=True, repr=False)
class Subscription:
    """What a browser's PushManager gives; both keys in base64url."""

    endpoint: str
    p256dh: str
    auth: str

    kind = Kind.WEB_PUSH

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return self.endpoint

    def check(self, settings: Settings) -> None:
        """Raises Refused."""
        if settings.vapid_private_key is None:
            raise Refused("kind", "This service sends no Web Push.")
        # Our worker calls what a patient's browser names, so only push services that we know.
        if not settings.push_services.allow_url(self.endpoint):
            raise Refused("endpoint", "Not an address of a push service that is known here.")
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(self.p256dh))
        except ValueError:
            raise Refused("keys/p256dh", "Not a public key of P-256 in base64url.") from None
        if len(from_base64url(self.auth)) != AUTH_BYTES:
            raise Refused("keys/auth", "Not %(count)d bytes in base64url.", count=AUTH_BYTES)


@dataclass(frozen=True, slots=True, repr=False)
class FcmToken:
    """What Firebase gives to an app on a phone."""

    token: str

    kind = Kind.FCM

    @property
    def name(self) -> str:
        return self.token

    def check(self, settings: Settings) -> None:
        """Raises Refused."""
        if settings.fcm_credentials is None:
            raise Refused("kind", "This service sends nothing through Firebase.")
        if not _TOKEN.fullmatch(self.token):
            raise Refused("token", "Not a registration token.")


Address: TypeAlias = Subscription | FcmToken
_KINDS: dict[str, type[Subscription] | type[FcmToken]] = {Kind.WEB_PUSH: Subscription, Kind.FCM: FcmToken}


def origin_of(endpoint: str) -> str:
    return "/".join(endpoint.split("/")[:3])


def write_address(address: Address) -> str:
    return json.dumps({"kind": address.kind, **asdict(address)})


def read_address(text: str) -> Address:
    said: dict[str, Any] = json.loads(text)
    return _KINDS[said.pop("kind")](**said)
