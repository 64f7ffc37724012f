"""Lists as parameters: one statement for many patients, the same text however many they are."""

import uuid
from collections.abc import Iterable
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, cast, column, func, literal
from sqlalchemy.sql.elements import CollectionAggregate
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine


class Ids(list[uuid.UUID]):
    """Of a batch, which one statement after another asks for: written as PostgreSQL reads them once."""

    @cached_property
    def texts(self) -> list[str]:
        return [one.hex for one in self]

    def of(self, places: Iterable[int]) -> "Ids":
        """Those at these places."""
        chosen = list(places)
        some = Ids(self[place] for place in chosen)
        some.texts = [self.texts[place] for place in chosen]
        return some


def as_table(*, numbered: str | None = None, **kinds: type[TypeEngine[Any]] | TypeEngine[Any]) -> TableValuedAlias:
    """Lists of equal length, by name and type of element, as a table: one statement, built once, serves all patients.

    The lists come with each use, by `given`. `numbered`: a column with the place of each, from 1.
    """
    texts = {name: bindparam(f"all_{name}", type_=Text) for name in kinds}
    listed = func.unnest(*(cast(texts[name], ARRAY(kind)) for name, kind in kinds.items()))
    names = [column(name, kind) for name, kind in kinds.items()]
    return listed.table_valued(*names, with_ordinality=numbered).render_derived()


def given(**lists: Iterable[Any]) -> dict[str, str]:
    """The parameters of `as_table`."""
    return {f"all_{name}": _array(values) for name, values in lists.items()}


def any_of(ids: Iterable[uuid.UUID]) -> CollectionAggregate[Any]:
    """One parameter, however many they are."""
    return any_(cast(literal(_array(ids), Text), ARRAY(Uuid)))


def _array(values: Iterable[Any]) -> str:
    """As PostgreSQL writes an array: a driver that looks at each element by itself takes longer than all the rest."""
    elements = values.texts if isinstance(values, Ids) else map(_element, values)
    return f"{{{','.join(elements)}}}"


def _element(value: uuid.UUID | date | None) -> str:
    """None of these can hold a comma, a quotation mark or a brace."""
    if isinstance(value, uuid.UUID):
        return value.hex
    return "NULL" if value is None else _quoted(value)


@lru_cache(maxsize=2**10)
def _quoted(value: date) -> str:
    """Those of one list are few, and few of them differ."""
    return f'"{value}"'
