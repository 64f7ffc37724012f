"""The real processes under a clock that the test moves: the offset in seconds is read from a file at every look.

There is no clock setting in server/: the entry points take `now`, and this is who gives it.
"""

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask

from server import app, scheduler, worker
from server.clock import utcnow

OFFSET_FILE = "TEST_CLOCK_OFFSET_FILE"


def now() -> datetime:
    return utcnow() + timedelta(seconds=float(Path(os.environ[OFFSET_FILE]).read_text(encoding="ascii")))


def create_app() -> Flask:
    return app.serve(now=now)


if __name__ == "__main__":
    {"scheduler": scheduler.main, "worker": worker.main}[sys.argv[1]](now=now)
