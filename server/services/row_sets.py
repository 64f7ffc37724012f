"""Rows as a set: one statement and one parameter, however many they are.

A driver looks at each value of each row, and so does SQLAlchemy; one JSON document is written and read in one go.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Insert,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.selectable import TableValuedAlias


@cache
def adding(table: Table, unless: Select[Any] | None = None) -> Insert:
    """Of rows with every column; of none if `unless` finds anything."""
    given = _given(table)
    rows = select(given) if unless is None else select(given).where(~unless.exists())
    return insert(table).from_select([one.name for one in table.columns], rows)


@cache
def changing(table: Table, *names: str) -> Update:
    """These columns of the rows with the same key."""
    given = _given(table)
    same = [one == given.c[one.name] for one in table.primary_key]
    return update(table).where(*same).values({name: given.c[name] for name in names})


def given_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter of each."""
    return {"rows": json.dumps(rows, default=_as_text)}


def _given(table: Table) -> TableValuedAlias:
    """PostgreSQL reads each value as the type of its column."""
    document = cast(bindparam("rows", type_=Text), JSON)
    read = func.json_populate_recordset(literal_column(f"NULL::{table.name}"), document)
    return read.table_valued(*(column(one.name, one.type) for one in table.columns), name="given")


def _as_text(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise TypeError("a naive datetime cannot be stored")
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
