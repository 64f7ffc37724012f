"""Versions of what a phone stored: which one an edit names, and which one an answer shows."""

from typing import Any

from flask import Response, jsonify, request
from werkzeug.http import parse_etags

from server.services.reports import ANY

# In the description, for every route that says 412.
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag of the version that is edited. Not for what is new.",
    "schema": {"type": "string"},
    "required": False,
}


def edited_versions() -> frozenset[str] | None:
    """The ETags of this request's If-Match, as named_versions."""
    return named_versions(request.headers.get("If-Match"))


def named_versions(if_match: str | None) -> frozenset[str] | None:
    """The ETags of an If-Match; weak ones match nothing (RFC 9110, 13.1.1)."""
    if if_match is None:
        return None
    tags = parse_etags(if_match)
    return frozenset((ANY,)) if tags.star_tag else frozenset(f'"{tag}"' for tag in tags.as_set())


def tagged(said: dict[str, Any]) -> Response:
    """With its ETag, which the body has, too."""
    answer = jsonify(said)
    answer.headers["ETag"] = said["etag"]
    return answer
