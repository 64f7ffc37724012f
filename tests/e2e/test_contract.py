"""What is written of the API, against a server that really runs: the examples of docs/api.md, and openapi.yaml."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.local.postgres import EmbeddedPostgres
from tests.e2e.fuzz import Ground, cases_in, fuzz, prepared
from tests.e2e.system import System, running_system
from tests.factories import PASSWORD

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/api.md"
SCRIPT = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE))
EXPECTED = re.findall(r"  # (\d{3})$", SCRIPT, re.MULTILINE)
# The same on every machine, whatever is installed there.
CURL = 'curl() { "$PYTHON" -m tests.e2e.curl "$@"; }\npython3() { "$PYTHON" "$@"; }\nset -eu\n'


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, migrated: EmbeddedPostgres) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("docs"), ("web",), migrated=migrated) as system:
        yield system


@pytest.fixture(scope="module")
def ground(system: System) -> Ground:
    return prepared(system)


def test_every_call_says_what_it_is_answered() -> None:
    assert len(EXPECTED) == len(re.findall(r"^curl ", SCRIPT, re.MULTILINE)) > 15


def test_the_examples_do_what_the_page_says(ground: Ground, tmp_path: Path) -> None:
    said = {"URL": ground.system.base_url, "CODE": ground.code, "PASSWORD": PASSWORD}
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
    assert today["check_in"] == "done"
    assert "Nadie" in done.stdout


@pytest.mark.parametrize("role", ["patient", "clinician"])
def test_whatever_is_sent_is_answered_as_described(ground: Ground, role: str) -> None:
    """The short form of `make fuzz`: a few examples of each operation, the same ones each time."""
    code, said = fuzz(ground, role, 2, 1, "--phases", "fuzzing")
    assert code == 0, said
    assert cases_in(said) > 30, said
