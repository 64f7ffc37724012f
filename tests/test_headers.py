"""What every answer carries, whoever gives it: a page, a route, a problem, a picture, a script of the documentation."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import create_app
from server.headers import DOCS_POLICY, HEADERS
from server.settings import Settings
from tests.factories import Actors, new_id, settings_for, signed_in

# Public files of the documentation may be kept, and asked about again.
KEPT = "no-cache"


def answers(app: Flask, client: FlaskClient, bob: dict[str, str]) -> list[TestResponse]:
    """Each address by each method, as nobody and as somebody; and what is no address at all."""
    found = []
    # Last of all, signing out.
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: "/tokens" in rule.rule):
        path = rule.rule.replace("<slug>", "invalid").replace("<path:path>", "swagger-ui.css")
        path = "/".join(new_id() if part.startswith("<uuid:") else part for part in path.split("/"))
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "BREW"):
            found += [client.open(path, method=method, headers=headers) for headers in ({}, bob)]
    for path in ("/nothing", "/v1/nothing", "/docs/nothing", "//", "/%00", "/docs"):
        found += [client.get(path, headers={"Accept": accept}) for accept in ("text/html", "application/json")]
    return found


def test_every_answer_carries_them(app: Flask, client: FlaskClient, actors: Actors) -> None:
    statuses = set()
    for answer in answers(app, client, signed_in(app, actors.bob)):
        with answer:
            statuses.add(answer.status_code)
            expected = dict(HEADERS)
            if answer.request.path.startswith("/docs/") and answer.status_code in (200, 404):
                expected["Content-Security-Policy"] = DOCS_POLICY
                if answer.headers["Cache-Control"] == KEPT:
                    expected["Cache-Control"] = KEPT
            said = {name: answer.headers.get(name) for name in HEADERS}
            assert said == expected, (answer.request.path, answer.status_code)
            assert answer.headers["X-Request-ID"]
            assert "Strict-Transport-Security" not in answer.headers
    assert {200, 302, 400, 401, 403, 404, 405} <= statuses


def test_a_500_and_a_503_carry_them_too(
    settings: Settings, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "postgresql://interlude_app:wrong@/interlude?host=%2Fnowhere"

    def broken() -> None:
        raise ValueError

    monkeypatch.setitem(app.view_functions, "problems.openapi_json", broken)
    lost = create_app(settings_for(nowhere, nowhere)).test_client()
    for answer, status in ((client.get("/openapi.json"), 500), (lost.get("/readyz"), 503)):
        assert answer.status_code == status
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_over_https_it_stays_so(settings: Settings) -> None:
    secure = settings_for(settings.database_url, settings.migration_database_url, BASE_URL="https://interlude.example")
    for path in ("/healthz", "/nothing", "/sign-in", "/docs/"):
        answer = create_app(secure).test_client().get(path)
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_the_documentation_runs_its_own_scripts_and_nobody_elses() -> None:
    assert "script-src 'self' 'unsafe-inline'" in DOCS_POLICY
    assert "http" not in DOCS_POLICY
    assert "script-src" not in HEADERS["Content-Security-Policy"]
