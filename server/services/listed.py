"""Lists as parameters: one statement for many patients, the same text however many they are.

They go as PostgreSQL itself writes an array, made by numpy: a driver looks at each element, and PostgreSQL would have
to read each one's letters. Source: PostgreSQL's array_recv, the binary format of arrays.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, overload

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format
from sqlalchemy import ARRAY, Date, DateTime, Uuid, any_, bindparam, cast, column, func, literal
from sqlalchemy.sql.elements import CollectionAggregate
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine, UserDefinedType

from server.services.packed import DAY, ID, INSTANT, PLACE, WRITER


class Ids(Sequence[uuid.UUID]):
    """Of the patients of a batch, which one statement after another asks for; an object is made of whom one names."""

    def __init__(self, packed: NDArray[np.void]) -> None:
        self.packed = packed

    @classmethod
    def of_all(cls, ids: Iterable[uuid.UUID]) -> "Ids":
        return ids if isinstance(ids, cls) else cls(np.frombuffer(b"".join([one.bytes for one in ids]), ID))

    @classmethod
    def named(cls, ids: Iterable[str]) -> "Ids":
        """As a job of ours names them, whole UUIDs."""
        return cls(np.frombuffer(bytes.fromhex("".join(ids).replace("-", "")), ID))

    def __len__(self) -> int:
        return len(self.packed)

    def __iter__(self) -> Iterator[uuid.UUID]:
        return (uuid.UUID(bytes=one) for one in self.packed.tolist())

    @overload
    def __getitem__(self, place: int) -> uuid.UUID: ...
    @overload
    def __getitem__(self, place: slice) -> "Ids": ...
    def __getitem__(self, place: int | slice) -> "uuid.UUID | Ids":
        if isinstance(place, slice):
            return Ids(self.packed[place])
        return uuid.UUID(bytes=self.packed[place].tobytes())

    def of(self, places: NDArray[Any]) -> "Ids":
        """Those at these places, or where it is true."""
        return Ids(self.packed[places])

    @cached_property
    def listed(self) -> "Listed":
        return listed(self.packed)


class Listed(bytes):
    """A list without NULL, as an array's binary format."""

    element: ClassVar[str]

    @classmethod
    def of(cls, values: NDArray[Any]) -> "Listed":
        elements = np.empty(len(values), [("size", ">i4"), ("value", values.dtype)])
        elements["size"], elements["value"] = values.dtype.itemsize, values
        # Dimensions (PostgreSQL has none for no elements), whether there are NULLs, the type; length, first index.
        head = [1, 0, types[cls.element].oid, len(values), 1] if len(values) else [0, 0, types[cls.element].oid]
        return cls(np.array(head, ">i4").tobytes() + elements.tobytes())


class _Uuids(Listed):
    element = "uuid"


class _Days(Listed):
    element = "date"


class _Instants(Listed):
    element = "timestamptz"


class _Places(Listed):
    element = "tid"


class _Writers(Listed):
    element = "xid"


class _ListedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Listed) -> Listed:
        return obj


_KINDS: dict[np.dtype[Any], type[Listed]] = {
    ID: _Uuids,
    DAY: _Days,
    INSTANT: _Instants,
    PLACE: _Places,
    WRITER: _Writers,
}
for _kind in _KINDS.values():
    _known = {"oid": types[_kind.element].array_oid}
    psycopg.adapters.register_dumper(_kind, type(f"{_kind.__name__}Dumper", (_ListedDumper,), _known))


class _Packed(UserDefinedType[Listed]):
    """Goes to the driver as it is, which knows its type."""

    cache_ok = True


class Tid(UserDefinedType[bytes]):
    """Where a row lies."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TID"


class Xid(UserDefinedType[int]):
    """The number of a transaction."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "XID"


_TYPES: dict[np.dtype[Any], type[TypeEngine[Any]] | TypeEngine[Any]] = {
    ID: Uuid,
    DAY: Date,
    INSTANT: DateTime(timezone=True),
    PLACE: Tid,
    WRITER: Xid,
}


def listed(values: NDArray[Any]) -> Listed:
    """Of ID, DAY, INSTANT, PLACE or WRITER."""
    return _KINDS[values.dtype].of(values)


def as_table(*, numbered: str | None = None, **kinds: np.dtype[Any]) -> TableValuedAlias:
    """Lists of equal length, by name and kind of element, as a table: one statement, built once, serves all patients.

    The lists come with each use, by `given`. `numbered`: a column with the place of each, from 1.
    """
    lists = [cast(bindparam(f"all_{name}", type_=_Packed()), ARRAY(_TYPES[kind])) for name, kind in kinds.items()]
    names = [column(name, _TYPES[kind]) for name, kind in kinds.items()]
    return func.unnest(*lists).table_valued(*names, with_ordinality=numbered).render_derived()


def given(**lists: Ids | NDArray[Any]) -> dict[str, Listed]:
    """The parameters of `as_table`."""
    return {f"all_{name}": one.listed if isinstance(one, Ids) else listed(one) for name, one in lists.items()}


def any_of(ids: Iterable[uuid.UUID]) -> CollectionAggregate[Any]:
    """One parameter, however many they are."""
    return any_(cast(literal(Ids.of_all(ids).listed, _Packed()), ARRAY(Uuid)))
