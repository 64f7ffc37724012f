"""Answers of the API are gzipped for whoever takes that; pages and secrets are not.

BREACH reads a secret off the length of an answer that holds it beside what the attacker wrote, by making the victim's
browser ask again and again. No browser sends a token of the API by itself, so nobody can make a victim ask; yet what
hands out tokens or codes stays as it is, and so do the pages, whose cookie a browser does send and whose forms hold
CSRF tokens. Hence: answers to GET of /v1 alone, and none that is a file. Gzip by the standard library: a phone asks for
some KiB, where brotli would save a tenth more and cost a dependency.
"""

import gzip

from flask import Flask, Response, request

from server.headers import varies

SMALLEST = 500
LEVEL = 5
KINDS = frozenset({"application/json", "application/problem+json", "image/svg+xml"})


def register(app: Flask) -> None:
    app.after_request(_compress)


def _compress(answer: Response) -> Response:
    if request.method != "GET" or not request.path.startswith("/v1/") or answer.mimetype not in KINDS:
        return answer
    varies(answer, "Accept-Encoding")
    if answer.is_streamed or answer.status_code == 304 or not request.accept_encodings["gzip"]:
        return answer
    body = answer.get_data()
    # A strong ETag is of one sequence of bytes; those of check-ins go back in If-Match, and stay as they are.
    if len(body) >= SMALLEST and (not answer.get_etag()[0] or answer.get_etag()[1]):
        # Without the time of day, which would tell when, and make two of the same differ.
        answer.set_data(gzip.compress(body, LEVEL, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    return answer
