"""The examples of docs/api.md, as they stand there, against a server that really runs."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.app import create_app
from server.extensions import db
from server.settings import Settings
from tests.e2e.system import System, running_system
from tests.factories import PASSWORD, make_actors

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/api.md"
SCRIPT = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE))
EXPECTED = re.findall(r"  # (\d{3})$", SCRIPT, re.MULTILINE)
# The same on every machine, whatever is installed there.
CURL = 'curl() { "$PYTHON" -m tests.e2e.curl "$@"; }\npython3() { "$PYTHON" "$@"; }\nset -eu\n'


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("docs"), names=("web",)) as system:
        yield system


@pytest.fixture(scope="module")
def code(system: System) -> str:
    """Ada's."""
    app = create_app(Settings.from_env(system.environment))
    with app.app_context():
        code = make_actors(system.now()).ada.code
        db.session.remove()
        db.engine.dispose()
    return code


def test_every_call_says_what_it_is_answered() -> None:
    assert len(EXPECTED) == len(re.findall(r"^curl ", SCRIPT, re.MULTILINE)) > 15


def test_the_examples_do_what_the_page_says(system: System, code: str, tmp_path: Path) -> None:
    said = {"URL": system.base_url, "CODE": code, "PASSWORD": PASSWORD}
    ours = {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "STATUSES": str(tmp_path / "statuses")}
    done = subprocess.run(
        ["sh", "-c", CURL + SCRIPT],
        cwd=tmp_path,
        env=os.environ | said | ours,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "statuses").read_text().split() == EXPECTED
    today = json.loads(gzip.decompress((tmp_path / "today.json").read_bytes()))
    assert today["check_in"] == "due"
    assert "Nadie" in done.stdout
