"""Whose failure it was: the database's, or that of the one thing that was being done."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


def is_away(error: Exception) -> bool:
    """Whether the database itself is gone; a query cut off or a deadlock is one patient's failure."""
    return isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated)
