"""Guards for the documentation: what it points at is there, and each requirement of the standard says who holds it."""

import re
from pathlib import Path

import pytest

from server.services.rotation import sealed_columns

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ASVS = ROOT / "docs/asvs.md"
REQUIREMENT = re.compile(r"\d{1,2}\.\d\.\d{1,2}")
EACH = pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)


def rows() -> list[list[str]]:
    """Of the tables: ids, what is asked, by what it is met, what holds it."""
    lines = [line for line in ASVS.read_text().splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@EACH
def test_every_test_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"tests/[\w/*]+\.py|\btest_s\d\d_[\w*]*(?:\.py)?", page.read_text()))
    found = {name: ROOT / name if "/" in name else ROOT / "tests/attacks" / name for name in named}
    assert [name for name, path in found.items() if not list(path.parent.glob(path.name))] == []


@EACH
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", page.read_text()):
        path, _, anchor = "".join(target).partition("#")
        if path.startswith("https://"):
            continue
        there = (page.parent / path) if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append("".join(target))
    assert lost == []


def test_each_requirement_is_there_once_and_says_who_holds_it() -> None:
    ids = [one for cells in rows() for one in REQUIREMENT.findall(cells[0])]
    assert len(ids) == len(set(ids)) > 150
    for ids_of_row, _, met, held in rows():
        tests = re.findall(r"tests/\S+\.py", held)
        said = tests or held in ("by design", "operator") or held.startswith("`make ")
        assert said or (not held and met.startswith("not met")), ids_of_row


def test_the_table_of_what_is_sealed_names_every_column() -> None:
    """And none that is not; `.reason` is of the table before it."""
    page = (ROOT / "docs/security.md").read_text()
    table = page.partition("| sealed | why |\n")[2].partition("\n\n")[0]
    names: list[str] = []
    for cell in (line.split("|")[1] for line in table.splitlines()[1:]):
        for name in re.findall(r"`([\w.]+)`", cell):
            names.append(names[-1].partition(".")[0] + name if name.startswith(".") else name)
    assert sorted(names) == [f"{column.table}.{column.name}" for column in sealed_columns()]


def test_no_attack_is_without_its_place_in_the_threats() -> None:
    """Each row of attacks, S1 to S14, has its tests and is named where it stands in somebody's way."""
    files = {path.name[5:8] for path in (ROOT / "tests/attacks").glob("test_s*.py")}
    assert files == {f"s{number:02}" for number in range(1, 15)}
    named = set(re.findall(r"test_(s\d\d)_", (ROOT / "docs/threats.md").read_text()))
    assert named == files
