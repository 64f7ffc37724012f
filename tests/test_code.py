"""Guards for the source: one clock, one settings reader, no hidden imports, small files, plain names."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

from server.logs import FIELDS

ROOT = Path(__file__).parents[1]
SERVER = sorted((ROOT / "server").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST = 300
BANNED = {"utils", "helpers", "manager", "handler", "misc", "common", "data", "process"}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "gmtime"),
    ("time", "localtime"),
}
Functions = ast.FunctionDef | ast.AsyncFunctionDef


def test_there_is_something_to_guard() -> None:
    assert len(SERVER) > 50


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def names_in(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Every `a.b`."""
    for found in ast.walk(node):
        if isinstance(found, ast.Attribute) and isinstance(found.value, ast.Name):
            yield found.value.id, found.attr


def is_local(path: Path) -> bool:
    """The supervisor of a local clinic is a program of its own: it hands settings on, and waits for processes."""
    return path.is_relative_to(ROOT / "server/local")


def readers(names: set[tuple[str, str]]) -> set[str]:
    """The files of the server that use one of these `a.b`, or import `b` from `a`."""
    found = set()
    for path in SERVER:
        tree = tree_of(path)
        imported = {
            (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        if (set(names_in(tree)) | imported) & names and not is_local(path):
            found.add(path.relative_to(ROOT).as_posix())
    return found


def test_one_file_reads_the_clock() -> None:
    assert readers(CLOCKS) == {"server/clock.py"}


def test_one_file_reads_the_environment() -> None:
    assert readers({("os", "environ"), ("os", "getenv")}) == {"server/settings.py"}


def test_nothing_is_imported_inside_a_function() -> None:
    hidden = [
        (path.name, function.name)
        for path in SERVER
        for function in ast.walk(tree_of(path))
        if isinstance(function, Functions)
        and any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(function))
    ]
    assert hidden == []


def test_nothing_that_answers_a_request_is_async() -> None:
    """Flask would have to be asked of each view and hook (server.framework says no for all of them)."""
    waiting = {path.relative_to(ROOT).as_posix() for path in SERVER if is_async(path) and not is_local(path)}
    # The queue's library has an event loop of its own, in the worker.
    assert waiting == {"server/worker.py", "server/jobs/upkeep.py"}


def is_async(path: Path) -> bool:
    return any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(tree_of(path)))


def test_names_say_what_a_thing_is() -> None:
    vague = [path.name for path in SERVER if path.stem in BANNED]
    vague += [
        f"{path.name}: {node.name}"
        for path in SERVER
        for node in ast.walk(tree_of(path))
        if isinstance(node, Functions | ast.ClassDef)
        and (node.name.strip("_").lower() in BANNED or node.name.startswith("do_"))
    ]
    assert vague == []


def test_a_file_is_short_and_says_what_it_is_for() -> None:
    assert [path.name for path in [*SERVER, *TESTS] if len(path.read_text().splitlines()) > LONGEST] == []
    assert [path.name for path in SERVER if not ast.get_docstring(tree_of(path))] == []


def test_the_database_sees_no_clock_but_for_leases() -> None:
    """func.now() is for leases alone: everything else must follow the injected clock."""
    assert readers({("func", "now")}) == {"server/services/leases.py"}


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every `log.info(...)` and the like."""
    for path in SERVER:
        for node in ast.walk(tree_of(path)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "log":
                yield f"{path.name}:{called.lineno}", cast(ast.Call, node)


def test_a_log_line_is_a_constant_and_listed_fields() -> None:
    """No sentence is made of values: what may be said has a name on the list, and so can be dropped."""
    calls = list(log_calls())
    assert len(calls) > 8
    assert [at for at, call in calls if [type(arg) for arg in call.args] != [ast.Constant]] == []
    said = {str(keyword.arg) for _, call in calls for keyword in call.keywords}
    assert said - FIELDS == set()


def test_one_file_knows_the_standard_logging() -> None:
    """Its lines take any text; server.logs masks what it cannot know, and nobody could read them."""
    importers = [
        path.relative_to(ROOT).as_posix()
        for path in SERVER
        if not is_local(path)
        and any(
            isinstance(node, ast.Import) and any(alias.name.startswith("logging") for alias in node.names)
            for node in ast.walk(tree_of(path))
        )
    ]
    assert importers == ["server/logs.py"]
