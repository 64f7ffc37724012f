"""Log lines: when, how serious, where, what. Never what a patient reported, nor an error's own text."""

import logging
import traceback

DEEPEST_PLACES = 6


def configure_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # These log a line for every job with its arguments, or every beat.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def described(error: BaseException) -> str:
    """What kind of error and where it broke; not its text, for a database error quotes whole rows."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_PLACES:]
    places = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}"
