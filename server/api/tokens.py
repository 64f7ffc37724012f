"""Access and refresh tokens: written and read here, with keys by id, dated by our own clock."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, request
from flask_jwt_extended import create_access_token, create_refresh_token
from jwt import InvalidSignatureError, PyJWTError, decode_complete
from werkzeug.exceptions import Unauthorized

from server.extensions import jwt, now, parts
from server.models import Role
from server.services.presenting import Presented
from server.services.sign_ins import Given, Lasting

ALGORITHM = "HS256"
# PyJWT reads its own clock. So much leeway silences it; `presented` checks the times with ours.
PYJWT_LEEWAY = timedelta(days=365 * 100)
# How far a machine of ours that issued a token may be ahead.
SKEW_SECONDS = 60


class Token(NamedTuple):
    """A token that is ours, whether it is in date or not."""

    said: Presented
    begins: int
    ends: int


def configure(app: Flask) -> None:
    app.config.update(
        JWT_ALGORITHM=ALGORITHM,
        JWT_ENCODE_NBF=False,
    )
    jwt.init_app(app)


def lasting() -> Lasting:
    settings = parts().settings
    return Lasting(unused=settings.refresh_token_life, at_most=settings.sign_in_life)


def issue(given: Given) -> dict[str, Any]:
    """A pair of tokens, as a route answers it."""
    at = now()
    access_ends = min(at + parts().settings.access_token_life, given.ends_at)
    headers = {"kid": key_id(_signing_key())}
    return {
        "access_token": create_access_token(
            str(given.identity.id),
            expires_delta=False,
            additional_claims=_claims(given, at, access_ends),
            additional_headers=headers,
        ),
        "refresh_token": create_refresh_token(
            str(given.identity.id),
            expires_delta=False,
            additional_claims=_claims(given, at, given.ends_at),
            additional_headers=headers,
        ),
        "expires_in": int((access_ends - at).total_seconds()),
    }


def presented(*, refresh: bool) -> Presented:
    """What the token of this request says. Raises Unauthorized unless it is ours, of the right kind, and in date by
    OUR clock.
    """
    header = request.headers.get("Authorization", "")
    settings = parts().settings
    keys = (settings.jwt_secret_key, *settings.jwt_previous_keys)
    token = _found_ours(hashlib.sha256(header.encode(errors="surrogatepass")).digest(), refresh, keys)
    at = now().timestamp()
    if not token.begins <= at + SKEW_SECONDS or not at < token.ends:
        raise Unauthorized
    return token.said


@lru_cache(maxsize=10_000)
def _found_ours(_shown: bytes, refresh: bool, keys: tuple[str, ...]) -> Token:
    """The token of this request, verified. That it is ours does not change, so each is looked into once.

    A phone shows one token for half an hour. It is remembered by its SHA-256; what is not ours raises, and is not.
    """
    try:
        claims = _verified(_bearer(request.headers.get("Authorization", "")), keys)
        if claims["type"] != ("refresh" if refresh else "access"):
            raise Unauthorized
        said = Presented(
            role=Role(claims["role"]),
            account_id=uuid.UUID(claims["sub"]),
            clinic_id=uuid.UUID(str(claims["clinic"])),
            token_version=claims["version"],
            sign_in_id=uuid.UUID(str(claims["sid"])),
            pair=str(claims["jti"]),
        )
        return Token(said, claims["iat"], claims["exp"])
    except (PyJWTError, KeyError, ValueError) as error:
        raise Unauthorized from error


def _bearer(header: str) -> str:
    """The one token of its kind in the header, which may hold several fields."""
    shown = [field.split() for field in header.split(",")]
    (words,) = (words for words in shown if words and words[0] == "Bearer")
    _, token = words
    return token


def _verified(token: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """What it claims, if the key that it names is one of ours, and signed it. Raises PyJWTError."""
    for key in keys:
        try:
            read = decode_complete(token, key, algorithms=[ALGORITHM], leeway=PYJWT_LEEWAY)
        except InvalidSignatureError:
            continue
        if read["header"].get("kid") == key_id(key):
            claims: Mapping[str, Any] = read["payload"]
            return claims
    raise InvalidSignatureError


@lru_cache(maxsize=64)
def key_id(secret: str) -> str:
    """A key's id is its fingerprint: no two share one, nobody names them, and nothing can be mixed up."""
    return hashlib.sha256(b"interlude token key " + secret.encode()).hexdigest()[:16]


def _claims(given: Given, at: datetime, ends: datetime) -> dict[str, Any]:
    return {
        "role": str(given.identity.role),
        "clinic": str(given.identity.clinic_id),
        "version": given.identity.token_version,
        "sid": str(given.sign_in_id),
        "jti": given.pair,
        "iat": int(at.timestamp()),
        "exp": int(ends.timestamp()),
    }


@jwt.encode_key_loader
def _signing_key(_: object = None) -> str:
    return parts().settings.jwt_secret_key
