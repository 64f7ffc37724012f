"""Pauses with their days, and outages, in place of a flag that forgot when."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "outage",
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ended_at > began_at", name=op.f("ck_outage_lasted")),
        sa.CheckConstraint("source IN ('scheduler', 'operator')", name=op.f("ck_outage_source")),
        sa.PrimaryKeyConstraint("began_at", name=op.f("pk_outage")),
    )
    op.create_table(
        "pause",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_pause_days")),
        sa.CheckConstraint("(last_day IS NULL) = (ended_at IS NULL)", name=op.f("ck_pause_ended")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_pause_patient_id")),
        sa.ForeignKeyConstraint(["begun_by"], ["member.id"], name=op.f("fk_pause_begun_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["member.id"], name=op.f("fk_pause_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause")),
    )
    op.create_index(op.f("ix_pause_patient_id"), "pause", ["patient_id"])
    op.create_index("uq_pause_open", "pause", ["patient_id"], unique=True, postgresql_where=sa.text("last_day IS NULL"))
    # Nobody wrote down when a pause began. The day after the last check-in is the earliest it can have, but after the
    # last day on which a silence was told: so nobody is called silent for a day of it, and no alert is taken back.
    op.execute("""
        INSERT INTO pause (id, patient_id, first_day, begun_at)
        SELECT gen_random_uuid(), patient.id, least(today, greatest(
                   coalesce(patient.monitored_from, today),
                   (SELECT max(day) + 1 FROM check_in WHERE patient_id = patient.id AND counts),
                   (SELECT max(last_day) + 1 FROM alert WHERE patient_id = patient.id AND rule = 'gone_silent')
               )), now()
        FROM patient
        JOIN clinic ON clinic.id = patient.clinic_id
        CROSS JOIN LATERAL (
            SELECT ((now() AT TIME ZONE patient.zone) - make_interval(hours => clinic.day_starts_at))::date AS today
        ) AS local
        WHERE patient.paused
    """)
    op.drop_column("patient", "paused")


def downgrade() -> None:
    """Who is paused stays paused; pauses that are over, the days of those that last, and the outages are lost."""
    op.add_column("patient", sa.Column("paused", sa.Boolean(), nullable=True))
    op.execute("""
        UPDATE patient
        SET paused = EXISTS (SELECT FROM pause WHERE pause.patient_id = patient.id AND pause.last_day IS NULL)
    """)
    op.alter_column("patient", "paused", nullable=False)
    op.drop_table("pause")
    op.drop_table("outage")
