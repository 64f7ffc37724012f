"""`python -m server.local run | mailbox | exec -- COMMAND...`, from the checkout's folder."""

import os
import sys
from pathlib import Path

import click

from server.local.errors import LocalError
from server.local.execute import execute
from server.local.mailbox import serve
from server.local.ports import Ports
from server.local.run import run

VAR = Path("var")


@click.group()
def cli() -> None:
    """A whole clinic on one machine."""


@cli.command("run")
def run_command() -> None:
    """Start everything and keep it running until Ctrl-C."""
    sys.exit(run(VAR.absolute(), os.environ))


@cli.command("mailbox")
def mailbox_command() -> None:
    """Receive mail and show it on a page."""
    serve(VAR.absolute() / "mailbox", Ports.from_env(os.environ))


@cli.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(command: tuple[str, ...]) -> None:
    """Run COMMAND with the clinic's database and settings."""
    sys.exit(execute(command, VAR.absolute(), os.environ))


def main() -> None:
    try:
        cli(prog_name="python -m server.local")
    except LocalError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
