"""What must be unique is a named constraint; this is how its violation is said."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from server.errors import Conflict
from server.extensions import db


@contextmanager
def unique(constraint: str, detail: str) -> Iterator[None]:
    """Flushes what the block added; raises Conflict(detail) when that constraint says no."""
    try:
        yield
        db.session.flush()
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation) and error.orig.diag.constraint_name == constraint:
            # Not `from error`: its text quotes the row.
            raise Conflict(detail) from None
        raise
