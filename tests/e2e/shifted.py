"""The real processes under a clock that the test moves: the offset in seconds is read from a file at every look.

There is no clock setting in server/: the entry points take `now`, and this is who gives it. Each process loads its own
entry point alone, as in life.
"""

import os
import sys
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

from flask import Flask

from server.clock import utcnow

OFFSET_FILE = "TEST_CLOCK_OFFSET_FILE"


def now() -> datetime:
    return utcnow() + timedelta(seconds=float(Path(os.environ[OFFSET_FILE]).read_text(encoding="ascii")))


def create_app() -> Flask:
    served: Flask = import_module("server.app").serve(now=now)
    return served


if __name__ == "__main__":
    import_module(f"server.{sys.argv[1]}").main(now=now)
