"""Sealing stored texts anew under the current key, a batch at a time, while everything else runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, func, select, tuple_, update

from server.extensions import Base, keyring
from server.models import DataKey, Sealed, hold_key, sealed_in
from server.sealing import CannotOpen, header_of

BATCH = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step did. `last` is the key of its last row: the next step goes on behind it; None when all is done."""

    sealed: int
    broken: Sequence[str]
    last: tuple[Any, ...] | None


def sealed_columns() -> Sequence[Sealed[Any]]:
    """Of every model."""
    found = (sealed for mapper in Base.registry.mappers for sealed in sealed_in(mapper.class_))
    return sorted(found, key=lambda sealed: (sealed.table, sealed.name))


def count_left(connection: Connection, column: Sealed[Any]) -> int:
    table, sealed = _stored(column)
    return connection.scalar(select(func.count()).select_from(table).where(~_under(sealed, keyring().current))) or 0


def seal_anew(connection: Connection, column: Sealed[Any], after: tuple[Any, ...] | None) -> Batch:
    """One batch, in the caller's transaction. A row that somebody changed meanwhile is theirs: it is left as it is."""
    hold_key(connection, keyring())
    table, sealed = _stored(column)
    key = list(table.primary_key)
    found = select(*key, *(table.c[name].label(f"of_{name}") for name in column.of), sealed.label("sealed"))
    found = found.where(~_under(sealed, keyring().current)).order_by(*key).limit(BATCH)
    if after is not None:
        found = found.where(tuple_(*key) > tuple_(*after))
    changed, broken, last = 0, [], None
    for row in connection.execute(found).all():
        last, identity, old = tuple(row[: len(key)]), tuple(row[len(key) : -1]), row[-1]
        try:
            anew = keyring().seal(keyring().open(old, column.place(identity)), column.place(identity))
        except CannotOpen:
            broken.append(f"{column.table}.{column.name} of {' '.join(map(str, last))}")
            continue
        same = and_(*(part == value for part, value in zip(key, last, strict=True)), sealed == old)
        changed += connection.execute(update(table).where(same).values({sealed: anew})).rowcount
    return Batch(changed, broken, last)


def forget_unused(connection: Connection) -> tuple[Sequence[str], Sequence[str]]:
    """The older keys that nothing needs any more, which are forgotten here, and those that something still needs.

    Whoever seals holds its key until it commits (hold_key), so none is forgotten behind the back of a process that
    still seals under it.
    """
    older = select(DataKey.id).where(DataKey.id != keyring().current).order_by(DataKey.id).with_for_update()
    known = connection.scalars(older).all()
    needed = [key_id for key_id in known if any(_is_used(connection, column, key_id) for column in sealed_columns())]
    forgotten = [key_id for key_id in known if key_id not in needed]
    connection.execute(delete(DataKey).where(DataKey.id.in_(forgotten)))
    return forgotten, needed


def _stored(column: Sealed[Any]) -> tuple[Table, Column[bytes]]:
    table = Base.metadata.tables[column.table]
    return table, table.c[column.kept_as]


def _under(sealed: Column[bytes], key_id: str) -> ColumnElement[bool]:
    """Unknown, so neither found nor left out by NOT, where nothing is sealed."""
    header = header_of(key_id)
    return func.substring(sealed, 1, len(header)) == header


def _is_used(connection: Connection, column: Sealed[Any], key_id: str) -> bool:
    table, sealed = _stored(column)
    return bool(connection.scalar(select(select(table).where(_under(sealed, key_id)).exists())))
