"""What is left of a patient who erased the record: an id, a code, when, and who cared. It is only ever added to.

The rows themselves the app's role may delete since 0001, within its clinic. No key to the patient: the row is gone.
What the patient agreed to stays with the ledger of what went out by it, so a consent, too, outlives the patient's row.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0016"
down_revision = "0015"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = f"""
    ALTER TABLE erasure ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON erasure USING (clinic_id = (SELECT {CLINIC}))
        WITH CHECK (clinic_id = (SELECT {CLINIC}));
"""


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("care_team", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_erasure_clinic_id")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_erasure")),
    )
    op.create_index("ix_erasure_clinic_id_erased_at_patient_id", "erasure", ["clinic_id", "erased_at", "patient_id"])
    op.execute(POLICY)
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"REVOKE ALL ON erasure FROM {role}; GRANT SELECT, INSERT ON erasure TO {role}")
    op.drop_constraint(op.f("fk_consent_patient_id_clinic_id"), "consent")
    op.create_foreign_key(op.f("fk_consent_clinic_id"), "consent", "clinic", ["clinic_id"], ["id"])
    op.execute(f"REVOKE DELETE ON consent FROM {role}")


def downgrade() -> None:
    """Nobody knows any more whose record was erased, and what they had agreed to is lost."""
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT DELETE ON consent TO {role}")
    op.drop_constraint(op.f("fk_consent_clinic_id"), "consent")
    op.execute("DELETE FROM consent WHERE NOT EXISTS (SELECT FROM patient WHERE patient.id = consent.patient_id)")
    op.create_foreign_key(
        op.f("fk_consent_patient_id_clinic_id"), "consent", "patient", ["patient_id", "clinic_id"], ["id", "clinic_id"]
    )
    op.drop_table("erasure")
