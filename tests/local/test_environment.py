"""The secrets of a local clinic: made once, kept, and good enough for the settings."""

import json
from pathlib import Path

from server.local.environment import SECRETS, kept_secrets
from server.settings import Settings
from tests.factories import environment_for


def test_secrets_are_made_once_and_pass_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = kept_secrets(path)
    assert kept_secrets(path) == made
    assert Settings.from_env(environment_for("postgresql://a@/b", "postgresql://a@/b", **made)).data_keys.ids == (
        "local",
    )
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_of_before_gets_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = kept_secrets(path)
    path.write_text(json.dumps({"SECRET_KEY": made["SECRET_KEY"]}))
    again = kept_secrets(path)
    assert again["SECRET_KEY"] == made["SECRET_KEY"]
    assert set(again) == set(SECRETS)
    assert again["DATA_KEYS"] != made["DATA_KEYS"]
