"""`flask` commands."""

from flask import Flask


def register(app: Flask) -> None:
    for command in ():
        app.cli.add_command(command)
