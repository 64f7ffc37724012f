"""What is gone of what a phone may have."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = """
    ALTER TABLE tombstone ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON tombstone USING (clinic_id = (SELECT {clinic}))
        WITH CHECK (clinic_id = (SELECT {clinic}));
"""


def upgrade() -> None:
    op.create_table(
        "tombstone",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f("fk_tombstone_patient_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("patient_id", "id", name=op.f("pk_tombstone")),
    )  # fmt: skip
    op.create_index("ix_tombstone_patient_id_change", "tombstone", ["patient_id", "change"])
    op.execute(POLICY.format(clinic=CLINIC))


def downgrade() -> None:
    op.drop_table("tombstone")
