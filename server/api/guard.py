"""`requires`: who may call a route. It enforces, and the same line writes it into openapi.yaml."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g
from flask_jwt_extended import get_jwt, verify_jwt_in_request
from werkzeug.exceptions import Forbidden, Unauthorized

from server.extensions import now
from server.models import Role
from server.services import identities
from server.services.identities import Identity

View = TypeVar("View", bound=Callable[..., Any])

MEMBERS = (Role.CLINICIAN, Role.ADMIN)
EVERYONE = (Role.PATIENT, Role.CLINICIAN, Role.ADMIN)


def requires(*roles: Role, refresh: bool = False) -> Callable[[View], View]:
    """The outermost decorator of a route, so that nothing of a stranger's request is read."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.caller = _caller(refresh=refresh)
            if g.caller.role not in roles:
                raise Forbidden
            return view(*args, **kwargs)

        guarded.roles = roles  # type: ignore[attr-defined]
        _document(guarded, roles)
        return cast(View, guarded)

    return decorate


def public(view: View) -> View:
    """A route that anybody may call: said, so that a forgotten guard is a failing test."""
    view.roles = ()  # type: ignore[attr-defined]
    return view


def caller() -> Identity:
    return cast(Identity, g.caller)


def _caller(*, refresh: bool) -> Identity:
    """Who the token names, if it is one of ours, of the right kind, and still good by OUR clock."""
    verify_jwt_in_request(refresh=refresh)
    claims = get_jwt()
    try:
        ends, begins = claims["exp"], claims["iat"]
        role, version = Role(claims["role"]), claims["version"]
        account_id = uuid.UUID(claims["sub"])
    except (KeyError, ValueError) as error:
        raise Unauthorized from error
    at = now().timestamp()
    if not begins <= at + 60 or not at < ends:
        raise Unauthorized
    identity = identities.behind(role, account_id, version)
    if identity is None:
        raise Unauthorized
    return identity


def _document(view: Any, roles: tuple[Role, ...]) -> None:
    view._apidoc = {  # noqa: SLF001  # where flask-smorest keeps what its own decorators say
        **getattr(view, "_apidoc", {}),
        "manual_doc": {
            "security": [{"bearer": []}],
            "x-roles": [str(role) for role in roles],
            "responses": {
                401: {"$ref": "#/components/responses/not-signed-in"},
                403: {"$ref": "#/components/responses/forbidden"},
            },
        },
    }
