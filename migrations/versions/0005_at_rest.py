"""Notes, addresses and references sealed: each text becomes a sealed one, under the first key of DATA_KEYS.

The format is the program's own (server.sealing), for the program reads what this writes.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

from server.extensions import keyring

revision = "0005"
down_revision = "0004"

BATCH = 1000


class Column(NamedTuple):
    """`of` tells the row; an index, where there is one, is unique among equal `within`."""

    table: str
    name: str
    of: tuple[str, ...]
    key: tuple[str, ...] = ("id",)
    required: bool = False
    within: tuple[str, ...] | None = None

    @property
    def place(self) -> str:
        return f"{self.table}.{self.name}"


COLUMNS = (
    Column("check_in", "note", of=("patient_id", "id"), key=("patient_id", "id")),
    Column("alert", "outcome_note", of=("patient_id", "id")),
    Column("member", "email", of=("id",), required=True, within=()),
    Column("patient", "reference", of=("clinic_id", "id"), within=("clinic_id",)),
)


def upgrade() -> None:
    op.create_table(
        "data_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("check_value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
    )
    op.create_table(
        "index_key",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_index_key_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_key")),
    )
    op.drop_constraint(op.f("ck_member_email_lower"), "member", type_="check")
    op.drop_constraint(op.f("uq_member_email"), "member", type_="unique")
    op.drop_index("uq_patient_clinic_id_reference", "patient")
    op.alter_column("member", "email", nullable=True)
    for column in COLUMNS:
        op.add_column(column.table, sa.Column(f"{column.name}_sealed", sa.LargeBinary(), nullable=True))
        if column.within is not None:
            op.add_column(column.table, sa.Column(f"{column.name}_index", sa.LargeBinary(), nullable=True))
    _seal_all()
    for column in COLUMNS:
        op.drop_column(column.table, column.name)
        if column.required:
            op.alter_column(column.table, f"{column.name}_sealed", nullable=False)
            op.alter_column(column.table, f"{column.name}_index", nullable=False)
        if column.within is not None:
            name = f"uq_{column.table}_{column.name}_index"
            op.create_unique_constraint(op.f(name), column.table, [f"{column.name}_index"])


def downgrade() -> None:
    """The texts lie open again."""
    for column in COLUMNS:
        op.add_column(column.table, sa.Column(column.name, sa.String(), nullable=True))
        _open(column)
        op.drop_column(column.table, f"{column.name}_sealed")
        if column.within is not None:
            op.drop_column(column.table, f"{column.name}_index")
    op.alter_column("member", "email", nullable=False)
    op.create_unique_constraint(op.f("uq_member_email"), "member", ["email"])
    op.create_check_constraint(op.f("ck_member_email_lower"), "member", "email = lower(email)")
    op.create_index(
        "uq_patient_clinic_id_reference",
        "patient",
        ["clinic_id", "reference"],
        unique=True,
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.drop_table("index_key")
    op.drop_table("data_key")


def _seal_all() -> None:
    connection, keys = op.get_bind(), keyring()
    if not any(connection.scalar(sa.select(sa.exists().select_from(sa.table(name)))) for name in ("member", "patient")):
        return  # nothing to seal, and so no key to keep
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    connection.execute(
        sa.text("INSERT INTO data_key VALUES (:id, :value)"), {"id": keys.current, "value": keys.check_value()}
    )
    connection.execute(
        sa.text("INSERT INTO index_key VALUES (1, :sealed)"),
        {"sealed": keys.seal(secret, ("index_key.secret", "1"))},
    )
    for column in COLUMNS:
        _seal(column, base64.b64decode(secret))


def _seal(column: Column, secret: bytes) -> None:
    """The text itself is overwritten, not only dropped: a dropped column stays in its rows."""
    sets = f"{column.name} = NULL, {column.name}_sealed = :sealed"
    if column.within is not None:
        sets += f", {column.name}_index = :index"
    for rows in _batches(column, column.name):
        changes = []
        for row in rows:
            place = (column.place, *(str(row[name]) for name in column.of))
            said = [column.place, *(str(row[name]) for name in column.within or ()), row[column.name]]
            index = hmac.new(secret, json.dumps(said).encode(), hashlib.sha256).digest()
            changes.append({"sealed": keyring().seal(row[column.name], place), "index": index, **_key(column, row)})
        _change(column, sets, changes)


def _open(column: Column) -> None:
    sealed = f"{column.name}_sealed"
    if column.required:
        op.alter_column(column.table, sealed, nullable=True)
    for rows in _batches(column, sealed):
        changes = []
        for row in rows:
            place = (column.place, *(str(row[name]) for name in column.of))
            changes.append({"text": keyring().open(row[sealed], place), **_key(column, row)})
        _change(column, f"{column.name} = :text, {sealed} = NULL", changes)


def _batches(column: Column, filled: str) -> Iterator[list[sa.RowMapping]]:
    """The rows in which this column says something, in the order of their key."""
    names, key = ", ".join(dict.fromkeys([*column.of, *column.key, filled])), ", ".join(column.key)
    found = f"SELECT {names} FROM {column.table} WHERE {filled} IS NOT NULL"  # noqa: S608  # nosec B608  # names of our own, no value
    behind = f" AND ({key}) > ({', '.join(f':key_{name}' for name in column.key)})"
    rows: list[sa.RowMapping] = []
    while not rows or len(rows) == BATCH:
        more = sa.text(f"{found}{behind if rows else ''} ORDER BY {key} LIMIT {BATCH}")
        rows = list(op.get_bind().execute(more, _key(column, rows[-1]) if rows else {}).mappings())
        if not rows:
            return
        yield rows


def _key(column: Column, row: sa.RowMapping) -> dict[str, object]:
    return {f"key_{name}": row[name] for name in column.key}


def _change(column: Column, sets: str, changes: list[dict[str, object]]) -> None:
    where = " AND ".join(f"{name} = :key_{name}" for name in column.key)
    op.get_bind().execute(sa.text(f"UPDATE {column.table} SET {sets} WHERE {where}"), changes)  # noqa: S608  # nosec B608  # names of our own, no value
