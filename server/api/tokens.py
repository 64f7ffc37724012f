"""Access and refresh tokens: written and read here, with keys by id, dated by our own clock."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, Response, request
from flask_jwt_extended import create_access_token, create_refresh_token, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import InvalidTokenError, PyJWTError
from werkzeug.exceptions import Unauthorized

from server.api.problems import problem
from server.extensions import jwt, now, parts
from server.models import Role
from server.services.presenting import Presented
from server.services.sign_ins import Given, Lasting

# PyJWT reads its own clock. So much leeway silences it; `presented` checks the times with ours.
PYJWT_LEEWAY = timedelta(days=365 * 100)
# What `presented` raises, each answered 401.
NOT_OURS = (JWTExtendedException, PyJWTError, Unauthorized)
# How far a machine of ours that issued a token may be ahead.
SKEW_SECONDS = 60


class Token(NamedTuple):
    """A token that is ours, whether it is in date or not."""

    said: Presented
    begins: int
    ends: int


def configure(app: Flask) -> None:
    app.config.update(
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_DECODE_LEEWAY=PYJWT_LEEWAY,
        JWT_TOKEN_LOCATION=["headers"],
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
    """What the token of this request says, if it is ours, of the right kind, and in date by OUR clock."""
    header = request.headers.get("Authorization", "")
    settings = parts().settings
    keys = (settings.jwt_secret_key, *settings.jwt_previous_keys)
    token = _found_ours(hashlib.sha256(header.encode(errors="surrogatepass")).digest(), refresh, keys)
    at = now().timestamp()
    if not token.begins <= at + SKEW_SECONDS or not at < token.ends:
        raise Unauthorized
    return token.said


@lru_cache(maxsize=10_000)
def _found_ours(_shown: bytes, refresh: bool, _keys: tuple[str, ...]) -> Token:
    """The token of this request, verified. That it is ours does not change, so each is looked into once.

    A phone shows one token for half an hour. It is remembered by its SHA-256; what is not ours raises, and is not.
    """
    verify_jwt_in_request(refresh=refresh)
    claims = get_jwt()
    try:
        said = Presented(
            role=Role(claims["role"]),
            account_id=uuid.UUID(claims["sub"]),
            clinic_id=uuid.UUID(str(claims["clinic"])),
            token_version=claims["version"],
            sign_in_id=uuid.UUID(str(claims["sid"])),
            pair=str(claims["jti"]),
        )
        return Token(said, claims["iat"], claims["exp"])
    except (KeyError, ValueError) as error:
        raise Unauthorized from error


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


@jwt.decode_key_loader
def _verifying_key(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """The key that the token names, if it is one of ours; nothing it claims is believed yet."""
    # The library takes whatever is no refresh token for an access token.
    if claims.get("type") not in ("access", "refresh"):
        raise InvalidTokenError
    settings = parts().settings
    for key in (settings.jwt_secret_key, *settings.jwt_previous_keys):
        if header.get("kid") == key_id(key):
            return key
    raise InvalidTokenError


@jwt.unauthorized_loader
@jwt.invalid_token_loader
def _not_signed_in(_: str) -> Response:
    return problem("not-signed-in")


@jwt.expired_token_loader
@jwt.revoked_token_loader
@jwt.token_verification_failed_loader
def _ended(*_: object) -> Response:
    return problem("not-signed-in")
