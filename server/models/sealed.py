"""Attributes whose text the database keeps sealed, and the keys that it was told of."""

from collections.abc import Iterator
from typing import Any, Generic, Self, TypeVar, overload

from sqlalchemy import CheckConstraint, Connection, LargeBinary, SmallInteger, event, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Mapper, mapped_column
from sqlalchemy.orm.attributes import get_history

from server.extensions import Base, keyring
from server.sealing import Keyring, Place

T = TypeVar("T", str, str | None)


class Sealed(Generic[T]):
    """A text, which the row keeps only as `<name>_sealed`: sealed when it is set, opened each time it is read.

    `of` names the attributes that tell the row from all others; they are set first and never change. Reading raises
    CannotOpen for what was altered or comes from another row.
    """

    def __init__(self, *of: str) -> None:
        self.of = of

    def __set_name__(self, owner: type[Base], name: str) -> None:
        self.table = owner.__tablename__
        self.name = name
        self.kept_as = f"{name}_sealed"

    def place(self, identity: tuple[object, ...]) -> Place:
        if None in identity:
            raise TypeError(f"{self.table}.{self.name} is sealed for its row, which needs {', '.join(self.of)} first")
        return (f"{self.table}.{self.name}", *map(str, identity))

    @overload
    def __get__(self, row: None, owner: type) -> Self: ...
    @overload
    def __get__(self, row: object, owner: type) -> T: ...
    def __get__(self, row: object | None, owner: type) -> Self | str | None:
        if row is None:
            return self
        sealed = getattr(row, self.kept_as)
        return None if sealed is None else keyring().open(sealed, self._place_in(row))

    def __set__(self, row: object, text: T) -> None:
        setattr(row, self.kept_as, None if text is None else keyring().seal(text, self._place_in(row)))

    def _place_in(self, row: object) -> Place:
        return self.place(tuple(getattr(row, name) for name in self.of))


class DataKey(Base):
    """A key that stored texts need: its id, and what it alone opens. Processes check theirs against these."""

    __tablename__ = "data_key"

    id: Mapped[str] = mapped_column(primary_key=True)
    check_value: Mapped[bytes] = mapped_column(LargeBinary)


class IndexKey(Base):
    """The one key of the indexes by which sealed texts are found and kept unique; made at first use, itself sealed."""

    __tablename__ = "index_key"
    __table_args__ = (CheckConstraint("id = 1", name="only"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)

    secret = Sealed[str]("id")


def sealed_in(model: type) -> Iterator[Sealed[Any]]:
    return (found for found in vars(model).values() if isinstance(found, Sealed))


def hold_key(connection: Connection, keys: Keyring) -> None:
    """Tells the database of the current key before it seals, and keeps it from being forgotten until the commit.

    Raises KeysLost when the database knows another key under this id.
    """
    known = select(DataKey.check_value).where(DataKey.id == keys.current).with_for_update(read=True, key_share=True)
    found = connection.scalar(known)
    if found is None:
        made = insert(DataKey).values(id=keys.current, check_value=keys.check_value())
        connection.execute(made.on_conflict_do_nothing())
        found = connection.execute(known).scalar_one()
    keys.verify({keys.current: found})


@event.listens_for(Base, "before_insert", propagate=True)
@event.listens_for(Base, "before_update", propagate=True)
def _hold_key_of(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    """Nothing sealed is stored before its key is known to the database, whoever stores it."""
    changes = (get_history(row, sealed.kept_as) for sealed in sealed_in(mapper.class_))
    if any(text is not None for change in changes for text in change.added):
        hold_key(connection, keyring())
