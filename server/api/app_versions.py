"""A phone whose app is too old is told so (426) where it reads, and nowhere else.

What it writes is always taken: a check-in that waits on a phone would be lost with the refusal, and with it a yes
about self-harm. So is signing in and out, which it takes to write, and what is a patient's right: the copy, the
erasure, the consents. A version that cannot be read, or of a platform that the settings do not name, is let in: it is
none of ours.
"""

from flask import Flask, Response, current_app, request

from server.api.problems import problem
from server.extensions import parts
from server.models import Role
from server.versions import parse_app

HEADER = "X-App-Version"
READING = frozenset({"GET", "HEAD"})
ALWAYS = frozenset({"/v1/me", "/v1/me/devices", "/v1/me/export", "/v1/consents", "/v1/disclosures"})


def register(app: Flask) -> None:
    app.before_request(_refuse_outgrown)


def _refuse_outgrown() -> Response | None:
    said = request.headers.get(HEADER)
    app = parse_app(said) if said else None
    if app is None:
        return None
    versions, (platform, _) = parts().settings.app_versions, app
    if not versions.is_outgrown(*app) or not _is_reading():
        return None
    return problem("app-too-old", headers={"Link": f'<{versions.update_urls[platform]}>; rel="related"'})


def _is_reading() -> bool:
    """Whether a patient's app would show what comes of it."""
    rule = request.url_rule
    if rule is None or request.method not in READING:
        return False
    roles = getattr(current_app.view_functions[rule.endpoint], "roles", ())
    return Role.PATIENT in roles and rule.rule not in ALWAYS
