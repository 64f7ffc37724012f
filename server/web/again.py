"""A form once more, with the reason why it was not taken."""

from http import HTTPStatus
from typing import Any

from flask import render_template

from server.errors import Busy, Conflict, DomainError, MfaRequired, Refused, SignInFailed, TooMany
from server.extensions import db

STATUS: dict[type[DomainError], HTTPStatus] = {
    SignInFailed: HTTPStatus.UNAUTHORIZED,
    MfaRequired: HTTPStatus.UNAUTHORIZED,
    Conflict: HTTPStatus.CONFLICT,
    Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}
NOT_TAKEN = tuple(STATUS)


def again(error: DomainError, template: str, **shown: Any) -> tuple[str, int, dict[str, str]]:
    """Nothing of what was begun stays."""
    db.session.rollback()
    page = render_template(template, wrong=error.detail, **shown)
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooMany | Busy) else {}
    return page, STATUS[type(error)], headers
