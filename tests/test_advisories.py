"""What `make audit` says: of what it knows, and of what it could not ask."""

import re
from pathlib import Path
from typing import Any

from tests.advisories import LOCK, verdict

ROOT = Path(__file__).parents[1]
FINE: dict[str, Any] = {"name": "flask", "version": "3.1.2", "vulns": []}
UNKNOWN: dict[str, Any] = {"name": "jinja2", "skip_reason": "Dependency not found on PyPI and could not be audited"}
HOLED: dict[str, Any] = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


def test_what_was_not_checked_is_never_called_sound() -> None:
    for packages in ([], [UNKNOWN], [FINE, UNKNOWN]):
        code, said = verdict(packages)
        assert code == 0
        assert said.startswith("NOT CHECKED")


def test_a_hole_fails_whatever_else_was_not_checked() -> None:
    for packages in ([HOLED], [FINE, UNKNOWN, HOLED]):
        code, said = verdict(packages)
        assert code == 1
        assert "x 1: PYSEC-1, mended in ['2']" in said
    assert verdict([FINE]) == (0, "None of the 1 pinned packages has a known vulnerability.")


def test_one_lock_file_holds_all() -> None:
    pinned = [
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "server/local/requirements.txt", LOCK)
    ]
    assert pinned[0] <= pinned[1] <= pinned[2]
