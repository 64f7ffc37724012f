"""Where a program ends: it kills or freezes itself, at the very statement or commit that the test names.

Nothing is put in the place of anything. The program listens to its own statements, and at the one for which a trap is
set it sends itself a SIGKILL, which no code of ours outlives.
"""

import json
import os
import re
import signal
import threading
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from tests.statements import listen

TRAP_FILE = "TEST_TRAP_FILE"


class _Said(threading.local):
    """Of a thread's transaction: what it said to the database so far."""

    def __init__(self) -> None:
        self.statements: list[str] = []


_said = _Said()


@dataclass(frozen=True, slots=True)
class Trap:
    """The first program of this name that comes there falls into it, and no other does."""

    program: str
    when: str
    """before, after: the statement; before commit, after commit: of a transaction that made it."""
    statement: str
    """A pattern that is found in it."""
    signal: int = signal.SIGKILL

    def __str__(self) -> str:
        return f"{self.program} {self.when} {self.statement}"

    def set_in(self, file: Path) -> None:
        sprung_in(file).unlink(missing_ok=True)
        written = file.with_suffix(".new")
        written.write_text(json.dumps(asdict(self)), encoding="utf-8")
        written.replace(file)


def sprung_in(file: Path) -> Path:
    """There is the id of the process that fell into the trap."""
    return file.with_suffix(".sprung")


def watch_for_traps(program: str, file: Path) -> None:
    """From here on, in this process and those that it forks."""

    def pass_by(when: str, *statements: str) -> None:
        if file.exists():
            _fall(program, when, statements, file)

    @event.listens_for(Engine, "begin")
    def begin(_: Connection) -> None:
        _said.statements = []

    def after(statement: str) -> None:
        _said.statements.append(statement)
        pass_by("after", statement)

    listen(partial(pass_by, "before"), after)

    @event.listens_for(Engine, "commit")
    def before_commit(_: Connection) -> None:
        pass_by("before commit", *_said.statements)

    @event.listens_for(Session, "after_commit")
    def after_commit(_: Session) -> None:
        pass_by("after commit", *_said.statements)


def _fall(program: str, when: str, statements: tuple[str, ...], file: Path) -> None:
    try:
        trap = Trap(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:  # another one fell into it
        return
    if (trap.program, trap.when) != (program, when) or not any(re.search(trap.statement, one) for one in statements):
        return
    mine = file.with_suffix(f".{os.getpid()}.{threading.get_native_id()}")
    try:
        file.rename(mine)
    except FileNotFoundError:
        return
    mine.write_text(str(os.getpid()), encoding="ascii")
    mine.replace(sprung_in(file))
    if trap.signal == signal.SIGKILL:
        # The web server is two processes: a machine that fails takes both.
        os.killpg(0, signal.SIGKILL)
    # To this thread: what is sent to the process stops another one first, and this one would go on to its statement.
    signal.pthread_kill(threading.get_ident(), trap.signal)
