"""Many rows as one value: PostgreSQL packs them as records of fixed size, and numpy reads them as they are.

A driver and SQLAlchemy look at each value of each row; here a batch is one row, and costs as one.
Source: PostgreSQL documentation, "Binary Format" of the types (the functions *send).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, LargeBinary, cast, func, literal
from sqlalchemy.types import Double, Integer

from server.trends.state import Ints

# As PostgreSQL sends them, and receives them: a UUID, a day, an instant; and of a row where it lies (its ctid), and by
# whom it was written (xmin, the number of a transaction).
ID, DAY, INSTANT, PLACE, WRITER = np.dtype("V16"), np.dtype(">i4"), np.dtype(">i8"), np.dtype("V6"), np.dtype("V4")
NEVER = np.iinfo(INSTANT).max  # PostgreSQL's infinity, as an instant
NO_DAY = date.min
_EPOCH = date(2000, 1, 1).toordinal()  # from here PostgreSQL counts days
_MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)  # and microseconds


@dataclass(frozen=True, slots=True)
class Field:
    """One value of each record: how PostgreSQL sends it, and how numpy reads that."""

    sent: ColumnElement[bytes]
    read: str


def whole(column: ColumnElement[Any]) -> Field:
    """A whole number that is not NULL."""
    return Field(func.int4send(cast(column, Integer)), ">i4")


def number(column: ColumnElement[Any]) -> Field:
    """NaN for NULL."""
    return Field(func.float8send(func.coalesce(cast(column, Double), literal("NaN", Double))), ">f8")


def truth(column: ColumnElement[Any]) -> Field:
    return Field(func.boolsend(column), "?")


def day(column: ColumnElement[Any], otherwise: date) -> Field:
    """See `ordinals`; `otherwise` for NULL."""
    return Field(func.date_send(func.coalesce(column, otherwise)), ">i4")


def raw(column: ColumnElement[Any], size: int) -> Field:
    """So many bytes."""
    return Field(column, f"V{size}")


def place(column: ColumnElement[Any]) -> Field:
    return Field(func.tidsend(column), PLACE.str)


def writer(column: ColumnElement[Any]) -> Field:
    return Field(func.xidsend(column), WRITER.str)


class Records:
    """What a query's rows are packed as: `value` is what to select, `read` takes what came of it."""

    def __init__(self, **fields: Field) -> None:
        record = reduce(lambda before, one: before.op("||")(one), [one.sent for one in fields.values()])
        self.value = func.string_agg(record, literal(b"", LargeBinary), type_=LargeBinary)
        self._kind = np.dtype([(name, one.read) for name, one in fields.items()])
        self.size = self._kind.itemsize

    def read(self, value: bytes | None) -> NDArray[np.void]:
        return np.frombuffer(value or b"", self._kind)  # of no rows it is NULL


def ordinals(days: NDArray[Any]) -> Ints:
    """date.toordinal() of a column of days."""
    return days.astype(np.int64) + _EPOCH


def sent_days(ordinals: Ints) -> NDArray[Any]:
    """The other way round."""
    return (ordinals - _EPOCH).astype(DAY)


def sent_instant(at: datetime) -> int:
    """An aware one."""
    return (at - _MIDNIGHT) // timedelta(microseconds=1)


def dates(days: Ints) -> list[date]:
    """Of ordinals; those of a batch are few."""
    listed = days.tolist()
    found = {one: date.fromordinal(one) for one in set(listed)}
    return [found[one] for one in listed]
