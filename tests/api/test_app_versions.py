"""An app that is too old: told where it reads, and heard all the same."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.api.app_versions import ALWAYS
from server.extensions import Parts, db
from server.models import Alert, Role
from server.settings import Settings, SettingsError
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.factories import PASSWORD, Actors, check_in_body, new_id, settings_for, signed_in

STORE = "https://apps.example/interlude"
OLD = {"X-App-Version": "ios/1.3.9"}


@pytest.fixture
def ada(app: Flask, actors: Actors, settings: Settings, clock: Clock) -> dict[str, str]:
    """Her headers, where ios must be 1.4 or newer."""
    wanted = {"MIN_APP_VERSION": "ios=1.4,android=2", "APP_UPDATE_URLS": f"ios={STORE},android={STORE}"}
    with_versions = settings_for(settings.database_url, settings.migration_database_url, **wanted)
    app.extensions["interlude"] = Parts(with_versions, clock, print)
    return signed_in(app, actors.ada)


@pytest.mark.parametrize("version", ["ios/1.3.9", "ios/1.3", "ios/0", "android/1.99999.9", "ios/1.3.99999.9"])
def test_what_is_too_old_is_told_where_a_newer_one_is(client: FlaskClient, ada: dict[str, str], version: str) -> None:
    answer = client.get("/v1/today", headers=ada | {"X-App-Version": version})
    assert_problem(answer, 426)
    assert answer.headers["Link"] == f'<{STORE}>; rel="related"'
    spanish = client.get("/v1/today", headers=ada | {"X-App-Version": version, "Accept-Language": "es"})
    assert spanish.get_json()["title"].startswith("Esta versi\u00f3n")


GOOD = [
    "ios/1.4",
    "ios/1.4.0",
    "ios/1.10",
    "ios/2",
    "android/2.0.0.0",
    "web/0.1",
    "",
    "ios",
    "ios/",
    "ios/x",
    "ios/1.3b",
]


@pytest.mark.parametrize("version", [*GOOD, "ios/1.\u0663", "ios/" + "1." * 99, "iOS/1.0", "ios/999999"])
def test_whoever_is_new_enough_or_none_of_ours_is_let_in(
    client: FlaskClient, ada: dict[str, str], version: str
) -> None:
    headers = ada | {"X-App-Version": version.encode().decode("latin-1")}
    assert client.get("/v1/today", headers=headers).status_code == 200


def test_only_reading_is_refused(app: Flask, client: FlaskClient, ada: dict[str, str]) -> None:
    """Every route that a patient may call, by each method."""
    refused: set[tuple[str, str]] = set()
    let_in: set[tuple[str, str]] = set()
    for rule in app.url_map.iter_rules():
        if Role.PATIENT not in getattr(app.view_functions[rule.endpoint], "roles", ()):
            continue
        url = "/".join(new_id() if part.startswith("<uuid:") else part for part in rule.rule.split("/"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            is_refused = client.open(url, method=method, headers=OLD).status_code == 426
            (refused if is_refused else let_in).add((method, rule.rule))
    assert {method for method, _ in refused} == {"GET"}
    assert {rule for method, rule in let_in if method == "GET"} == ALWAYS
    assert len(refused) >= 5


def test_a_yes_is_heard_from_whatever_app_says_it(
    client: FlaskClient, ada: dict[str, str], actors: Actors, clock: Clock
) -> None:
    yes = check_in_body(clock(), self_harm_thoughts="yes")
    stored = client.put(f"/v1/check-ins/{new_id()}", json=yes, headers=ada | OLD)
    assert stored.status_code == 201
    assert db.session.query(Alert).filter_by(patient_id=actors.ada.id, rule="safety_concern").count() == 1


def test_it_can_sign_in_to_bring_what_it_has(client: FlaskClient, ada: dict[str, str], actors: Actors) -> None:
    said = {"code": actors.ada.code, "password": PASSWORD}
    assert client.post("/v1/tokens", json=said, headers=OLD).status_code == 201


WRONG: list[dict[str, Any]] = [
    {"MIN_APP_VERSION": "1.4.0"},
    {"MIN_APP_VERSION": "ios=1.4.0"},
    {"MIN_APP_VERSION": "ios=new", "APP_UPDATE_URLS": f"ios={STORE}"},
    {"MIN_APP_VERSION": "ios=1,ios=2", "APP_UPDATE_URLS": f"ios={STORE}"},
    {"MIN_APP_VERSION": "ios=1.4.0", "APP_UPDATE_URLS": f"android={STORE}"},
    {"APP_UPDATE_URLS": "ios=http://apps.example"},
    {"APP_UPDATE_URLS": "ios=https://apps.example/>; rel=x"},
    {"APP_UPDATE_URLS": STORE},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_setting_that_would_shut_somebody_out_stops_the_start(settings: Settings, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="APP_"):
        settings_for(settings.database_url, settings.migration_database_url, **wrong)
