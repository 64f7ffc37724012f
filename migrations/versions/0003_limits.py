"""Limits, versioned: a row for each change of a clinic's limits, in place of columns that forgot what was before."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "limits",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("h", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.Column("craving_severe", sa.Numeric(precision=3, scale=1), nullable=False),
        sa.Column("mood_very_low", sa.Numeric(precision=3, scale=1), nullable=False),
        sa.Column("use_free_days", sa.SmallInteger(), nullable=False),
        sa.Column("silent_days", sa.SmallInteger(), nullable=False),
        sa.Column("silent_chance", sa.Numeric(precision=4, scale=3), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_limits_version")),
        sa.CheckConstraint("h BETWEEN 1 AND 20", name=op.f("ck_limits_h")),
        sa.CheckConstraint("craving_severe BETWEEN 0 AND 10", name=op.f("ck_limits_craving_severe")),
        sa.CheckConstraint("mood_very_low BETWEEN 0 AND 10", name=op.f("ck_limits_mood_very_low")),
        sa.CheckConstraint("use_free_days BETWEEN 1 AND 90", name=op.f("ck_limits_use_free_days")),
        sa.CheckConstraint("silent_days BETWEEN 3 AND 30", name=op.f("ck_limits_silent_days")),
        sa.CheckConstraint("silent_chance BETWEEN 0.001 AND 0.2", name=op.f("ck_limits_silent_chance")),
        sa.ForeignKeyConstraint(["changed_by"], ["member.id"], name=op.f("fk_limits_changed_by")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_limits_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "version", name=op.f("pk_limits")),
    )
    op.execute("""
        INSERT INTO limits
            (clinic_id, version, since, h, craving_severe, mood_very_low, use_free_days, silent_days, silent_chance)
        SELECT id, limits_version, created_at, cusum_limit, craving_severe_at, mood_very_low_at, 7, 3, 0.01
        FROM clinic
    """)
    for column in ("limits_version", "craving_severe_at", "mood_very_low_at", "cusum_limit"):
        op.drop_column("clinic", column)


def downgrade() -> None:
    """Each clinic keeps its current limits; what was before, and the limits that 0001 does not know, are lost."""
    op.add_column("clinic", sa.Column("limits_version", sa.Integer(), nullable=True))
    op.add_column("clinic", sa.Column("craving_severe_at", sa.Numeric(precision=3, scale=1), nullable=True))
    op.add_column("clinic", sa.Column("mood_very_low_at", sa.Numeric(precision=3, scale=1), nullable=True))
    op.add_column("clinic", sa.Column("cusum_limit", sa.Numeric(precision=4, scale=2), nullable=True))
    op.execute("""
        UPDATE clinic
        SET limits_version = version, craving_severe_at = craving_severe, mood_very_low_at = mood_very_low,
            cusum_limit = h
        FROM (SELECT DISTINCT ON (clinic_id) * FROM limits ORDER BY clinic_id, version DESC) AS newest
        WHERE newest.clinic_id = clinic.id
    """)
    for column in ("limits_version", "craving_severe_at", "mood_very_low_at", "cusum_limit"):
        op.alter_column("clinic", column, nullable=False)
    op.create_check_constraint(op.f("ck_clinic_craving_severe_at"), "clinic", "craving_severe_at BETWEEN 0 AND 10")
    op.create_check_constraint(op.f("ck_clinic_mood_very_low_at"), "clinic", "mood_very_low_at BETWEEN 0 AND 10")
    op.create_check_constraint(op.f("ck_clinic_cusum_limit"), "clinic", "cusum_limit BETWEEN 1 AND 20")
    op.drop_table("limits")
