"""Whose failure it was: the database's, or that of the one thing that was being done."""

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout


def is_away(error: Exception) -> bool:
    """Whether the database itself is gone, or lets us in no more; a query cut off or a deadlock is one patient's
    failure.
    """
    # There is no statement yet where it fails to connect: it is full, or still starting.
    refused = isinstance(error, OperationalError) and error.statement is None
    return refused or isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated)
