"""Log lines: when, how serious, where, what. Never what a patient reported, nor an error's own text."""

import logging
import traceback
from typing import Any

DEEPEST_PLACES = 6


class Formatter(logging.Formatter):
    """Exceptions by their kind and place, whoever logs them: their text may quote a row."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's own name
        return described(ei[1])


def configure_logging() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # These log a line for every job with its arguments, or every beat.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def described(error: BaseException) -> str:
    """What kind of error and where it broke; not its text, for a database error quotes whole rows."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_PLACES:]
    places = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}"
