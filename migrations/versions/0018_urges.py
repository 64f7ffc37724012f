"""Urges, with every version of each; and the quarantine, where what could not be taken waits for a person."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON {table} USING (clinic_id = (SELECT {clinic}))
        WITH CHECK (clinic_id = (SELECT {clinic}));
"""
TABLES = ("urge", "urge_version", "quarantined_item")


def upgrade() -> None:
    op.create_table(
        "urge",
        *_reported("urge"),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("craving BETWEEN 0 AND 10", name=op.f("ck_urge_craving")),
        sa.PrimaryKeyConstraint("patient_id", "id", name=op.f("pk_urge")),
    )
    op.create_index("ix_urge_patient_id_recorded_at_id", "urge", ["patient_id", "recorded_at", "id"])
    op.create_index("ix_urge_patient_id_change", "urge", ["patient_id", "change"])
    op.create_table(
        "urge_version",
        *_reported("urge_version"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "id", "version", name=op.f("pk_urge_version")),
    )
    _create_quarantine()
    op.add_column("patient", sa.Column("quarantined", sa.Integer(), nullable=False, server_default=sa.text("0")))
    for table in TABLES:
        op.execute(POLICY.format(table=table, clinic=CLINIC))


def downgrade() -> None:
    """Urges, and what nobody has settled, are lost."""
    op.drop_column("patient", "quarantined")
    for table in reversed(TABLES):
        op.drop_table(table)


def _reported(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("offset_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("offset_known", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("craving", sa.Numeric(precision=3, scale=1), nullable=False),
        sa.Column("used", sa.String(length=32), nullable=True),
        sa.Column("triggers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.CheckConstraint("used IN ('yes', 'no', 'rather_not_say')", name=op.f(f"ck_{table}_used")),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f(f"fk_{table}_patient_id_clinic_id"),
        ),
    ]  # fmt: skip


def _create_quarantine() -> None:
    table = "quarantined_item"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reported_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("said_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("pointers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.CheckConstraint("kind IN ('check_in', 'urge', 'unknown')", name=op.f(f"ck_{table}_kind")),
        sa.CheckConstraint("outcome IN ('entered', 'dismissed', 'superseded')", name=op.f(f"ck_{table}_outcome")),
        sa.CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name=op.f(f"ck_{table}_settled")),
        sa.CheckConstraint("(settled_by IS NULL) = (reason_sealed IS NULL)", name=op.f(f"ck_{table}_reason_given")),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f(f"fk_{table}_patient_id_clinic_id"),
        ),
        sa.ForeignKeyConstraint(["settled_by"], ["member.id"], name=op.f(f"fk_{table}_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("patient_id", "digest", name=op.f(f"uq_{table}_patient_id_digest")),
    )  # fmt: skip
    op.create_index(f"ix_{table}_patient_id_received_at_id", table, ["patient_id", "received_at", "id"])
