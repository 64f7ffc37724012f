"""Issuing access and refresh tokens, dated by our own clock."""

from datetime import timedelta
from typing import Any

from flask import Flask, Response
from flask_jwt_extended import create_access_token, create_refresh_token

from server.api.problems import problem
from server.extensions import jwt, now, parts
from server.services.identities import Identity

# PyJWT reads its own clock. So much leeway silences it; server.api.guard checks the times with ours.
PYJWT_LEEWAY = timedelta(days=365 * 100)


def configure(app: Flask, secret: str) -> None:
    app.config.update(
        JWT_SECRET_KEY=secret,
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_DECODE_LEEWAY=PYJWT_LEEWAY,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ENCODE_NBF=False,
    )
    jwt.init_app(app)


def issue(identity: Identity) -> dict[str, Any]:
    settings = parts().settings
    return {
        "access_token": create_access_token(
            str(identity.id),
            expires_delta=False,
            additional_claims=_claims(identity, settings.access_token_life),
        ),
        "refresh_token": create_refresh_token(
            str(identity.id),
            expires_delta=False,
            additional_claims=_claims(identity, settings.refresh_token_life),
        ),
        "expires_in": int(settings.access_token_life.total_seconds()),
    }


def _claims(identity: Identity, life: timedelta) -> dict[str, Any]:
    at = int(now().timestamp())
    return {
        "role": str(identity.role),
        "version": identity.token_version,
        "iat": at,
        "exp": at + int(life.total_seconds()),
    }


@jwt.unauthorized_loader
@jwt.invalid_token_loader
def _not_signed_in(_: str) -> Response:
    return problem("not-signed-in")


@jwt.expired_token_loader
@jwt.revoked_token_loader
@jwt.token_verification_failed_loader
def _ended(*_: object) -> Response:
    return problem("not-signed-in")
