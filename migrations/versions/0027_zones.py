"""The zones in which each patient was, since when, and who said so; and what follows for the patient's own days."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = f"""
    ALTER TABLE zone_change ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON zone_change USING (clinic_id = (SELECT {CLINIC}))
        WITH CHECK (clinic_id = (SELECT {CLINIC}));
"""
# Nobody kept since when they are there.
KNOWN = """
    INSERT INTO zone_change (patient_id, number, zone, since, told_by, clinic_id)
    SELECT id, 1, zone, created_at, 'unknown', clinic_id FROM patient
"""


def upgrade() -> None:
    op.create_table(
        "zone_change",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_by", sa.String(length=32), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.CheckConstraint(
            "told_by IN ('clinic', 'enrollment', 'patient', 'unknown')", name=op.f("ck_zone_change_told_by")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f("fk_zone_change_patient_id_clinic_id"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id", "clinic_id"], ["member.id", "member.clinic_id"],
            name=op.f("fk_zone_change_member_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("patient_id", "number", name=op.f("pk_zone_change")),
    )  # fmt: skip
    op.add_column(
        "patient",
        sa.Column("days_cut_short", postgresql.ARRAY(sa.Date()), nullable=False, server_default=sa.text("'{}'")),
    )
    op.add_column("patient", sa.Column("closed_elsewhere", sa.Date(), nullable=True))
    op.execute(KNOWN)
    op.execute(POLICY)


def downgrade() -> None:
    """Where each patient was before is lost."""
    op.drop_column("patient", "closed_elsewhere")
    op.drop_column("patient", "days_cut_short")
    op.drop_table("zone_change")
