"""Reminders: when each patient wants one, and where their phones are reached.

clinics_with_due tells the scheduler of these, too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = f"""
    ALTER TABLE push_address ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON push_address USING (clinic_id = (SELECT {CLINIC}))
        WITH CHECK (clinic_id = (SELECT {CLINIC}));
"""
DUE = """
    CREATE OR REPLACE FUNCTION clinics_with_due(job text, at timestamp with time zone)
    RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT DISTINCT patient.clinic_id
            FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
            WHERE clinics_with_due.job = 'assess' AND clinic.live AND patient.assess_due_at <= clinics_with_due.at
            UNION ALL
            SELECT DISTINCT clinic_id FROM public.alert_email
            WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at
            {reminders}
    $$
"""
REMINDERS = """UNION ALL
            SELECT DISTINCT patient.clinic_id
            FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
            WHERE clinics_with_due.job = 'remind' AND clinic.live AND patient.remind_due_at <= clinics_with_due.at
"""
COLUMNS = (("reminder_time", sa.Time()), ("remind_due_at", sa.DateTime(timezone=True)),
           ("remind_queued_at", sa.DateTime(timezone=True)), ("reminded_on", sa.Date()))  # fmt: skip


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("patient", sa.Column(name, kind, nullable=True))
    op.create_check_constraint(
        op.f("ck_patient_reminder"), "patient", "(reminder_time IS NULL) = (remind_due_at IS NULL)"
    )
    op.create_index("ix_patient_remind_due_at", "patient", ["remind_due_at"])
    op.create_unique_constraint(op.f("uq_sign_in_id_clinic_id"), "sign_in", ["id", "clinic_id"])
    op.create_table(
        "push_address",
        sa.Column("sign_in_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.ForeignKeyConstraint(
            ["sign_in_id", "clinic_id"], ["sign_in.id", "sign_in.clinic_id"],
            name=op.f("fk_push_address_sign_in_id_clinic_id"), ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f("fk_push_address_patient_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("sign_in_id", name=op.f("pk_push_address")),
        sa.UniqueConstraint("clinic_id", "address_index", name=op.f("uq_push_address_clinic_id_address_index")),
    )  # fmt: skip
    op.create_index(op.f("ix_push_address_patient_id"), "push_address", ["patient_id"])
    op.execute(POLICY)
    _tell_of(REMINDERS)


def downgrade() -> None:
    """Nobody is reminded any more."""
    _tell_of("")
    op.drop_table("push_address")
    op.drop_constraint(op.f("uq_sign_in_id_clinic_id"), "sign_in")
    op.drop_index("ix_patient_remind_due_at", "patient")
    op.drop_constraint(op.f("ck_patient_reminder"), "patient")
    for name, _ in reversed(COLUMNS):
        op.drop_column("patient", name)


def _tell_of(reminders: str) -> None:
    op.execute(DUE.format(reminders=reminders))
