"""A refusal must not swallow a yes about self-harm."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g
from werkzeug.exceptions import HTTPException

from server.api.guard import caller
from server.errors import DomainError
from server.extensions import db, now
from server.models import Answer
from server.sealing import CannotOpen, KeysLost
from server.services.safety import heed_refused

View = TypeVar("View", bound=Callable[..., Any])


def heeds_self_harm(view: View) -> View:
    """Between `requires` and the body: whatever is wrong with an item that says yes, its alert is raised.

    The alert commits on its own, and then the refusal takes its course.
    """

    @wraps(view)
    def heeding(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except (HTTPException, DomainError, KeysLost, CannotOpen):
            db.session.rollback()
            said = g.get("body")
            if isinstance(said, dict) and said.get("self_harm_thoughts") == Answer.YES:
                heed_refused(caller().id, now())
                db.session.commit()
            raise

    return cast(View, heeding)
