"""What a phone has already is not sent again."""

import copy
import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, make_response, request

View = TypeVar("View", bound=Callable[..., Any])

# In the description, for every route that says 304.
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the answer that you have: 304, without a body, when it would be the same again.",
}


def conditional(view: View) -> View:
    """Between the guard and the route's `response`: an ETag of the whole answer, and 304 when the phone named it.

    It is weak, for what is said counts, not its bytes (gzip or not). It cannot be stale: whatever the answer depends
    on, such as the day or the language, is in the answer. What it saves is the way to the phone, not the work here.
    """

    @wraps(view)
    def answering(*args: Any, **kwargs: Any) -> Response:
        answer = make_response(view(*args, **kwargs))
        answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32], weak=True)
        return cast(Response, answer.make_conditional(request.environ))

    described: dict[str, Any] = copy.deepcopy(getattr(answering, "_apidoc", {}))
    described["response"]["responses"][304] = [{"description": "The same as you have.", "content_type": None}]
    answering._apidoc = described  # type: ignore[attr-defined]  # noqa: SLF001  # where flask-smorest keeps it
    return cast(View, answering)
