"""Lists as parameters: one statement for many patients, the same text however many they are."""

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, Text, Uuid, any_, cast, column, func, literal
from sqlalchemy.sql.elements import CollectionAggregate
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine


def as_table(
    *, numbered: str | None = None, **columns: tuple[Iterable[Any], type[TypeEngine[Any]] | TypeEngine[Any]]
) -> TableValuedAlias:
    """Lists of equal length, each with its type, as a table: one statement serves all patients."""
    listed = func.unnest(*(cast(literal(_array(values), Text), ARRAY(kind)) for values, kind in columns.values()))
    names = [column(name, kind) for name, (_, kind) in columns.items()]
    return listed.table_valued(*names, with_ordinality=numbered).render_derived()


def any_of(ids: Iterable[uuid.UUID]) -> CollectionAggregate[Any]:
    """One parameter, however many they are."""
    return any_(cast(literal(_array(ids), Text), ARRAY(Uuid)))


def _array(values: Iterable[Any]) -> str:
    """As PostgreSQL writes an array: a driver that looks at each element by itself takes longer than all the rest."""
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: uuid.UUID | date | bytes | None) -> str:
    """None of these can hold a comma, a quotation mark or a brace."""
    if value is None:
        return "NULL"
    return f'"\\\\x{value.hex()}"' if isinstance(value, bytes) else f'"{value}"'
