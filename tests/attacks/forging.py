"""Tokens made by hand: what ours say, changed in one thing."""

import base64
import json
from typing import Any

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.api.tokens import key_id
from server.settings import Settings
from tests.factories import bearer

Pair = dict[str, Any]


def me(client: FlaskClient, token: str) -> TestResponse:
    return client.get("/v1/me", headers=bearer(token))


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/v1/tokens/refresh", headers=bearer(token))


def claims_of(token: str, **changes: Any) -> dict[str, Any]:
    """What a good token says; a change to None leaves the claim out."""
    said = jwt.decode(token, options={"verify_signature": False}) | changes
    return {name: value for name, value in said.items() if value is not None}


def signed(claims: dict[str, Any], secret: str, kid: Any = None, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm, headers={"kid": kid or key_id(secret)})


def forged(settings: Settings, token: str, **changes: Any) -> str:
    """With our own key: whatever it says is really said by us."""
    return signed(claims_of(token, **changes), settings.jwt_secret_key)


def with_header(token: str, header: dict[str, Any] | bytes, signature: str | None = None) -> str:
    """The same claims under another header."""
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    encoded = base64.urlsafe_b64encode(written).decode().rstrip("=")
    _, claims, signature_before = token.split(".")
    return f"{encoded}.{claims}.{signature_before if signature is None else signature}"
