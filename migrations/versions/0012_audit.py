"""The audit: a chain of events for each clinic, its head, and the glass that was broken.

The app's role adds events and moves the head, and may neither change nor remove an event. No key but the clinic's: an
event outlives what it names.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON {table} USING (clinic_id = (SELECT {clinic}))
        WITH CHECK (clinic_id = (SELECT {clinic}));
"""
TABLES = ("audit_event", "audit_head", "break_glass")


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("patients", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("what", postgresql.JSONB(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_audit_event_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "seq", name=op.f("pk_audit_event")),
    )
    op.create_table(
        "audit_head",
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_audit_head_seq")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_audit_head_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "break_glass",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > at", name=op.f("ck_break_glass_lasts")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_break_glass_clinic_id")),
        sa.ForeignKeyConstraint(
            ["member_id", "clinic_id"], ["member.id", "member.clinic_id"],
            name=op.f("fk_break_glass_member_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass")),
    )  # fmt: skip
    op.create_index("ix_break_glass_member_id_ends_at", "break_glass", ["member_id", "ends_at"])
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for table in TABLES:
        op.execute(POLICY.format(table=table, clinic=CLINIC))
        op.execute(f"REVOKE ALL ON {table} FROM {role}; GRANT SELECT, INSERT ON {table} TO {role}")
    op.execute(f"GRANT UPDATE (seq, link, at) ON audit_head TO {role}")


def downgrade() -> None:
    """What was audited is lost."""
    for table in reversed(TABLES):
        op.drop_table(table)
