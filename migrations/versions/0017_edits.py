"""Edits: check-ins have versions, and every earlier one is kept. What a patient's phones show is numbered by change.

What was there before gets its numbers here, so that a phone that asks for what changed hears of all of it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = """
    ALTER TABLE check_in_version ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON check_in_version USING (clinic_id = (SELECT {clinic}))
        WITH CHECK (clinic_id = (SELECT {clinic}));
"""
ANSWERS = ("yes", "no", "rather_not_say")
NUMBERED = """
    UPDATE check_in SET change = numbered.change FROM (
        SELECT patient_id, id, row_number() OVER (PARTITION BY patient_id ORDER BY received_at, id) AS change
        FROM check_in
    ) AS numbered
    WHERE check_in.patient_id = numbered.patient_id AND check_in.id = numbered.id;
    UPDATE session SET change = behind + numbered.change FROM (
        SELECT id, row_number() OVER (PARTITION BY patient_id ORDER BY starts_at, id) AS change,
            (SELECT count(*) FROM check_in WHERE check_in.patient_id = session.patient_id) AS behind
        FROM session
    ) AS numbered
    WHERE session.id = numbered.id;
    UPDATE patient SET changes = counted.changes + 1, profile_change = counted.changes + 1 FROM (
        SELECT id, (SELECT count(*) FROM check_in WHERE patient_id = patient.id)
            + (SELECT count(*) FROM session WHERE patient_id = patient.id) AS changes
        FROM patient
    ) AS counted
    WHERE patient.id = counted.id;
"""


def upgrade() -> None:
    op.add_column("check_in", sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")))
    op.add_column("check_in", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
    for table, name in (
        *(("check_in", "change"), ("session", "change")),
        *(("patient", "changes"), ("patient", "profile_change")),
    ):
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.execute(NUMBERED)
    for table in ("check_in", "session"):
        op.create_index(f"ix_{table}_patient_id_change", table, ["patient_id", "change"])
    op.create_table("check_in_version", *_columns())
    op.execute(POLICY.format(clinic=CLINIC))


def downgrade() -> None:
    """Earlier versions are lost; what is in force stays."""
    op.drop_table("check_in_version")
    for table in ("check_in", "session"):
        op.drop_index(f"ix_{table}_patient_id_change", table)
    for table, name in (
        *(("patient", "profile_change"), ("patient", "changes"), ("session", "change")),
        *(("check_in", "change"), ("check_in", "edited_at"), ("check_in", "version")),
    ):
        op.drop_column(table, name)


def _columns() -> list[sa.schema.SchemaItem]:
    table = "check_in_version"
    ratings = ("craving", "mood", "sleep_quality", "stress", "confidence")
    answers = ("used", "medication_taken", "self_harm_thoughts")
    return [
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("offset_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("offset_known", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("form_version", sa.String(), nullable=False),
        *(sa.Column(name, sa.Numeric(precision=3, scale=1), nullable=True) for name in ratings),
        *(sa.Column(name, sa.String(length=32), nullable=True) for name in answers),
        *(sa.Column(name, postgresql.ARRAY(sa.Text()), nullable=False) for name in ("substances", "triggers")),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        *(
            sa.CheckConstraint(f"{name} IN {ANSWERS!r}", name=op.f(f"ck_{table}_{name}"))
            for name in answers
        ),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f(f"fk_{table}_patient_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("patient_id", "id", "version", name=op.f(f"pk_{table}")),
    ]  # fmt: skip
