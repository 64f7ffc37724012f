"""Every program of a local clinic, by its command line."""

import sys
from dataclasses import dataclass
from pathlib import Path

from server.local.ports import HOST, Ports

Argv = tuple[str, ...]
FLASK: Argv = (sys.executable, "-m", "flask")
APP: Argv = (*FLASK, "--app", "server.app")


@dataclass(frozen=True)
class Commands:
    """Steps run once and have to succeed; services run until they are stopped, in this order."""

    migrate: Argv
    demo: Argv
    services: dict[str, Argv]
    mailbox: Argv


def clinic(ports: Ports, accounts: Path) -> Commands:
    """`accounts`: the file that the demo writes who can sign in to."""
    return Commands(
        migrate=(*APP, "db", "upgrade"),
        demo=(*APP, "demo", "--accounts", str(accounts)),
        services={
            "web": (
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"),
                *("--host", HOST, "--port", str(ports.web), "--workers", "1", "--blocking-threads", "4"),
                # A page that is never finished must not hold up the stop.
                *("--no-ws", "--log-level", "error", "--workers-kill-timeout", "10"),
                "server.app:serve",
            ),
            "scheduler": (sys.executable, "-m", "server.scheduler"),
            "worker": (sys.executable, "-m", "server.worker"),
        },
        mailbox=(sys.executable, "-m", "server.local", "mailbox"),
    )


def resolved(command: Argv) -> Argv:
    """`flask` and `python` are those of this very environment, whatever PATH says."""
    known = {"flask": FLASK, "python": (sys.executable,)}
    return (*known.get(command[0], command[:1]), *command[1:])
