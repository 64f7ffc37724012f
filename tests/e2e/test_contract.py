"""What is written of the API, against a server that really runs: the examples of docs/api.md, and openapi.yaml."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

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


@dataclass(frozen=True, slots=True)
class Played:
    """What the examples left in files, and what they printed."""

    folder: Path
    printed: str

    def answer(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_bytes())
        return found


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, migrated: EmbeddedPostgres) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("docs"), ("web",), migrated=migrated) as system:
        yield system


@pytest.fixture(scope="module")
def ground(system: System) -> Ground:
    return prepared(system)


def test_every_call_says_what_it_is_answered() -> None:
    assert len(EXPECTED) == len(re.findall(r"^curl ", SCRIPT, re.MULTILINE)) > 15


@pytest.fixture(scope="module")
def played(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The page's examples, from the first to the last."""
    folder = tmp_path_factory.mktemp("played")
    said = {"URL": ground.system.base_url, "EMAIL": ground.email, "STAFF_PASSWORD": PASSWORD}
    said["PASSWORD"] = f"{PASSWORD} of a patient"
    ours = {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "STATUSES": str(folder / "statuses")}
    done = subprocess.run(
        ["sh", "-c", CURL + SCRIPT],
        cwd=folder,
        env=os.environ | said | ours,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Played(folder, done.stdout)


def test_the_examples_do_what_the_page_says(played: Played) -> None:
    assert (played.folder / "statuses").read_text().split() == EXPECTED
    today = json.loads(gzip.decompress((played.folder / "today.json").read_bytes()))
    assert today["check_in"] == "due"
    assert "Nadie" in played.printed


def test_the_answers_have_what_the_page_names(played: Played) -> None:
    assert [wording["version"] for wording in played.answer("wordings")["items"]] == ["participation-2", "disclosure-1"]
    consents = {one["kind"]: one for one in played.answer("consents")["items"]}
    assert consents["participation"]["withdrawn_at"] is None
    assert consents["disclosure"]["withdrawn_how"] == "by_patient"
    assert played.answer("withdrawn")["type"] == "/problems/participation-withdrawn"
    assert ["problem" in result for result in played.answer("sync")["results"]] == [False, True]
    assert len(played.answer("trend")["days"]) == 28
    assert [one["current"] for one in played.answer("devices")["items"]] == [True, False]
    assert "README.txt" in ZipFile(played.folder / "export.zip").namelist()
    erased = {one["kind"]: one["rows"] for one in played.answer("erased")["erased"]}
    assert (erased["check_in"], erased["urge"]) == (2, 1)


@pytest.mark.parametrize("role", ["patient", "clinician"])
def test_whatever_is_sent_is_answered_as_described(ground: Ground, role: str) -> None:
    """The short form of `make fuzz`: a few examples of each operation, the same ones each time."""
    code, said = fuzz(ground, role, 2, 1, "--phases", "fuzzing")
    assert code == 0, said
    assert cases_in(said) > 30, said
