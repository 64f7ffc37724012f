"""Who we are to those whom we call, and whom we call: parsed from settings, never shown."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

SECRET_BYTES = 32
# Where the browsers of today keep the addresses that they give out.
KNOWN_SERVICES = "fcm.googleapis.com,updates.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"
# A wildcard stands before a domain of somebody's, never before a whole country.
_HOST = re.compile(r"(?:\*\.(?=[a-z0-9-]+\.)|)[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?")
# No user, no fragment, no letter that two programs could read differently: who is called is beyond doubt.
_URL = re.compile(r"(https?)://([a-z0-9.-]{1,253})(?::(\d{1,5}))?/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_MAILTO = re.compile(r"mailto:[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PROJECT = re.compile(r"[a-z0-9:.-]{1,100}")


@dataclass(frozen=True, slots=True)
class VapidKey:
    """By which Web Push services know us, RFC 8292; both halves in base64url."""

    private: str = field(repr=False)
    public: str
    """What a browser subscribes with."""

    @classmethod
    def parse(cls, raw: str) -> "VapidKey":
        """Raises ValueError, which never repeats what was given."""
        secret = from_base64url(raw)
        try:
            if len(secret) != SECRET_BYTES:
                raise ValueError
            key = ec.derive_private_key(int.from_bytes(secret), ec.SECP256R1())
        except ValueError:
            raise ValueError(f"must be {SECRET_BYTES} random bytes in base64url") from None
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return cls(_to_base64url(secret), _to_base64url(point))


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """By which Firebase Cloud Messaging knows us: what Google's console gives as a JSON file."""

    project_id: str
    client_email: str
    private_key_id: str
    private_key: str = field(repr=False)
    token_uri: str

    @classmethod
    def parse(cls, raw: str) -> "ServiceAccount":
        """The JSON itself, or the path of a file that holds it. Raises ValueError, which repeats nothing."""
        try:
            said = json.loads(raw if raw.startswith("{") else Path(raw).read_text())
            account = cls(*(_text_of(said, name) for name in cls.__dataclass_fields__))
            is_rsa = isinstance(load_pem_private_key(account.private_key.encode(), None), rsa.RSAPrivateKey)
        except OSError:
            raise ValueError("must be a service account's JSON, or the path of a file that can be read") from None
        except (ValueError, TypeError):
            raise ValueError("must be a service account's JSON with all of its fields") from None
        if not (is_rsa and _PROJECT.fullmatch(account.project_id) and is_sound(account.token_uri)):
            raise ValueError("must hold an RSA key, a project and an https:// address for tokens")
        return account


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """The hosts that somebody else's address may name, each with its port: nobody makes us call any other."""

    hosts: tuple[str, ...]

    @classmethod
    def parse(cls, raw: str) -> "KnownHosts":
        named = [host.strip() for host in raw.split(",")]
        if not all(map(_HOST.fullmatch, named)):
            raise ValueError(
                "must be hosts such as hook.example or *.push.example, with a port or without, commas between"
            )
        return cls(tuple(host if ":" in host else f"{host}:443" for host in named))

    def allow_url(self, url: str) -> bool:
        found = _URL.fullmatch(url)
        return found is not None and self.allow(found[1], found[2], int(found[3]) if found[3] else None)

    def allow(self, scheme: str, host: str, port: int | None) -> bool:
        """https alone, but for a host on this machine that is named with its port."""
        if scheme != "https" and (port is None or not is_loopback(host)):
            return False
        wanted = f"{host}:{port or 443}"
        return any(wanted == known or (known[0] == "*" and wanted.endswith(known[1:])) for known in self.hosts)


def parse_contact(raw: str) -> str:
    """Whom a push service writes to when something is wrong with what we send."""
    if not _MAILTO.fullmatch(raw) and not (raw.startswith("https://") and is_sound(raw)):
        raise ValueError("must be mailto: with an address, or an https:// address")
    return raw


def parse_ping(raw: str) -> str:
    """Whom we tell that all is well: whoever has the address can do so, too, and so it is repeated nowhere."""
    address, _, query = raw.partition("?")
    if not is_sound(address) or "#" in query or len(raw.split()) > 1:
        raise ValueError("must be an https:// address, or http:// on this machine")
    return raw


def is_sound(url: str) -> bool:
    """An address of ours to call: https, unless it is this machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for a port that is no number
    except ValueError:
        return False
    extra = parts.username or parts.query or parts.fragment or len(url.split()) > 1
    schemes = ("https", "http") if is_loopback(parts.hostname or "") else ("https",)
    return bool(parts.hostname and parts.scheme in schemes and not extra)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def from_base64url(text: str) -> bytes:
    """Empty for what is none."""
    try:
        return base64.b64decode(text.rstrip("=").encode() + b"=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _text_of(said: Any, name: str) -> str:
    found = said[name] if isinstance(said, dict) and name in said else None
    if not isinstance(found, str) or not found:
        raise ValueError(name)
    return found
