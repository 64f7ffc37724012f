"""S13: keys lost, or others in their place: nothing starts, and what runs says so and seals nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.app import create_app
from server.assembly import require_keys
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from server.sealing import KeysLost
from tests.api.problem import assert_problem
from tests.attacks.conftest import Switch
from tests.catalog import MIGRATED, scratch_database
from tests.conftest import MONDAY, Clock
from tests.database import digest, rows
from tests.e2e.programs import Program
from tests.e2e.system import PATIENCE_SECONDS, free_port
from tests.factories import (
    Actors,
    check_in_body,
    data_key,
    environment_for,
    make_actors,
    new_id,
    settings_for,
    signed_in,
)

OTHER, IMPOSTOR = data_key("other"), data_key("tests", of="an impostor")


@pytest.fixture(scope="module")
def in_use(migrated: EmbeddedPostgres) -> Iterator[tuple[str, str]]:
    """A database that holds what was sealed under a key."""
    with scratch_database(migrated, "keys_in_use", of=MIGRATED) as settings:
        app = create_app(settings)
        with app.app_context():
            make_actors(MONDAY)
            db.engine.dispose()
        yield settings.database_url, settings.migration_database_url


def test_no_process_starts_without_the_keys(in_use: tuple[str, str], tmp_path: Path) -> None:
    environment = os.environ | environment_for(*in_use, DATA_KEYS=OTHER)
    started = [
        Program(name, f"http://127.0.0.1:{free_port()}", environment, tmp_path / name)
        for name in ("web", "worker", "scheduler")
    ]
    try:
        for process in started:
            assert process.wait(PATIENCE_SECONDS) not in (0, None), process.name
            said = (tmp_path / process.name).read_text()
            assert "KeysLost: Interlude cannot open what is stored: DATA_KEYS lacks tests." in said
            assert OTHER.partition(":")[2] not in said
    finally:
        for process in started:
            process.kill()


def test_nor_with_another_key_under_a_known_id(in_use: tuple[str, str]) -> None:
    app = create_app(settings_for(*in_use, DATA_KEYS=IMPOSTOR))
    with pytest.raises(KeysLost, match="Under tests DATA_KEYS has another key than the one that sealed"):
        require_keys(app)
    with app.app_context():
        db.engine.dispose()


def test_with_the_old_key_behind_a_new_one_it_starts(in_use: tuple[str, str]) -> None:
    app = create_app(settings_for(*in_use, DATA_KEYS=f"{OTHER},{data_key('tests')}"))
    require_keys(app)
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("keys", [OTHER, IMPOSTOR], ids=["lost", "another"])
def test_a_process_that_runs_with_the_wrong_keys_is_not_ready(
    client: FlaskClient, actors: Actors, switch: Switch, keys: str
) -> None:
    """It started while the database was away, say."""
    switch(keys)
    assert_problem(client.get("/readyz"), 500)


def test_another_key_under_a_known_id_seals_nothing(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, switch: Switch
) -> None:
    headers, body = signed_in(app, actors.ada), check_in_body(clock(), note="never stored")
    switch(IMPOSTOR)
    before = digest()
    assert_problem(client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers), 500)
    assert digest() == before
    # But a yes about self-harm is heard.
    assert_problem(
        client.put(f"/v1/check-ins/{new_id()}", json=body | {"self_harm_thoughts": "yes"}, headers=headers), 500
    )
    assert rows("SELECT rule FROM alert") == [("safety_concern",)]
    assert rows("SELECT id FROM check_in") == []


def test_a_database_that_cannot_be_asked_stops_no_start(
    postgres: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = "postgresql://interlude_app:wrong@/interlude?host=%2Fnowhere"
    require_keys(create_app(settings_for(nowhere, nowhere)))
    with scratch_database(postgres, "not_migrated") as settings:
        app = create_app(settings)
        require_keys(app)
        with app.app_context():
            db.engine.dispose()
    assert caplog.text.count("the keys could not be checked yet") == 2
