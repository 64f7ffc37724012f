"""What the programs ask the database, heard where psycopg is asked: nothing of theirs goes past it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from server.cursors import LazyCursor

Hearing = Callable[[str], None]


def listen(before: Hearing, after: Hearing = lambda _: None) -> ExitStack:
    """Until it is closed, each statement is told before it goes, and after its answer came."""
    stack = ExitStack()
    for name in ("execute", "executemany"):
        stack.enter_context(patch.object(LazyCursor, name, _heard(getattr(LazyCursor, name), before, after)))
    return stack


@contextmanager
def asked() -> Iterator[list[str]]:
    """Every statement meanwhile, without what it carries."""
    said: list[str] = []
    with listen(said.append):
        yield said


def _heard(ask: Callable[..., Any], before: Hearing, after: Hearing) -> Callable[..., Any]:
    def asking(cursor: LazyCursor, statement: str, *args: Any, **kwargs: Any) -> Any:
        before(statement)
        answer = ask(cursor, statement, *args, **kwargs)
        after(statement)
        return answer

    return asking
