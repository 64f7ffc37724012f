"""The record: clinics and members, patients, courses and sessions, check-ins, alerts and their emails, job runs.

The owner role runs this; the app role gets to read and write rows of what the owner makes, and nothing more.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


TABLES = (
    "clinic",
    "job_run",
    "member",
    "patient",
    "alert",
    "care_team",
    "check_in",
    "course",
    "invite",
    "alert_event",
    "session",
    "alert_email",
)


def upgrade() -> None:
    op.execute(grants("GRANT", "TO"))
    op.create_table(
        "clinic",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("day_starts_at", sa.SmallInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("limits_version", sa.Integer(), nullable=False),
        sa.Column("craving_severe_at", sa.Numeric(precision=3, scale=1), nullable=False),
        sa.Column("mood_very_low_at", sa.Numeric(precision=3, scale=1), nullable=False),
        sa.Column("cusum_limit", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("craving_severe_at BETWEEN 0 AND 10", name=op.f("ck_clinic_craving_severe_at")),
        sa.CheckConstraint("cusum_limit BETWEEN 1 AND 20", name=op.f("ck_clinic_cusum_limit")),
        sa.CheckConstraint("day_starts_at BETWEEN 0 AND 8", name=op.f("ck_clinic_day_starts_at")),
        sa.CheckConstraint("mood_very_low_at BETWEEN 0 AND 10", name=op.f("ck_clinic_mood_very_low_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic")),
    )
    op.create_table(
        "job_run",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("period", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("job", "period", name=op.f("pk_job_run")),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "patient",
                "clinician",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('clinician', 'admin')", name=op.f("ck_member_works_here")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_member_email_lower")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_member_clinic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("email", name=op.f("uq_member_email")),
    )
    op.create_index(op.f("ix_member_clinic_id"), "member", ["clinic_id"], unique=False)
    op.create_table(
        "patient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("monitored_from", sa.Date(), nullable=True),
        sa.Column("monitored_until", sa.Date(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assess_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assess_queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assess_failures", sa.SmallInteger(), nullable=False),
        sa.Column("assess_error", sa.String(), nullable=True),
        sa.CheckConstraint("monitored_until >= monitored_from", name=op.f("ck_patient_monitored")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_patient_clinic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("code", name=op.f("uq_patient_code")),
    )
    op.create_index("ix_patient_assess_due_at", "patient", ["assess_due_at"], unique=False)
    op.create_index(op.f("ix_patient_clinic_id"), "patient", ["clinic_id"], unique=False)
    op.create_index(
        "uq_patient_clinic_id_reference",
        "patient",
        ["clinic_id", "reference"],
        unique=True,
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("rule_version", sa.SmallInteger(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "acknowledged",
                "resolved",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("basis", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("thresholds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "contacted_patient",
                "seen_at_session",
                "plan_changed",
                "referred",
                "no_action_needed",
                "false_alarm",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("outcome_note", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (acknowledged_at IS NULL)", name=op.f("ck_alert_acknowledged")),
        sa.CheckConstraint("(state = 'resolved') = (outcome IS NOT NULL)", name=op.f("ck_alert_outcome_given")),
        sa.CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name=op.f("ck_alert_resolved")),
        sa.CheckConstraint("severity IN ('urgent', 'prompt', 'routine')", name=op.f("ck_alert_severity")),
        sa.CheckConstraint("last_day >= day", name=op.f("ck_alert_days")),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["member.id"], name=op.f("fk_alert_acknowledged_by")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_alert_clinic_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_alert_patient_id")),
        sa.ForeignKeyConstraint(["resolved_by"], ["member.id"], name=op.f("fk_alert_resolved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_clinic_id_raised_at_id", "alert", ["clinic_id", "raised_at", "id"], unique=False)
    op.create_index(op.f("ix_alert_patient_id"), "alert", ["patient_id"], unique=False)
    op.create_index(
        "uq_alert_open",
        "alert",
        ["patient_id", "rule"],
        unique=True,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "care_team",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_care_team_member_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_care_team_patient_id")),
        sa.PrimaryKeyConstraint("patient_id", "member_id", name=op.f("pk_care_team")),
    )
    op.create_index(op.f("ix_care_team_member_id"), "care_team", ["member_id"], unique=False)
    op.create_table(
        "check_in",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("offset_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("offset_known", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("form_version", sa.String(), nullable=False),
        sa.Column("craving", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("mood", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("sleep_quality", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("stress", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("confidence", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column(
            "used",
            sa.Enum(
                "yes",
                "no",
                "rather_not_say",
                name="used",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("substances", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "medication_taken",
            sa.Enum(
                "yes",
                "no",
                "rather_not_say",
                name="medication_taken",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("triggers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "self_harm_thoughts",
            sa.Enum(
                "yes",
                "no",
                "rather_not_say",
                name="self_harm_thoughts",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint("confidence BETWEEN 0 AND 10", name=op.f("ck_check_in_confidence")),
        sa.CheckConstraint("craving BETWEEN 0 AND 10", name=op.f("ck_check_in_craving")),
        sa.CheckConstraint("craving IS NOT NULL OR mood IS NOT NULL", name=op.f("ck_check_in_says_something")),
        sa.CheckConstraint("mood BETWEEN 0 AND 10", name=op.f("ck_check_in_mood")),
        sa.CheckConstraint("sleep_quality BETWEEN 0 AND 10", name=op.f("ck_check_in_sleep_quality")),
        sa.CheckConstraint("stress BETWEEN 0 AND 10", name=op.f("ck_check_in_stress")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_check_in_patient_id")),
        sa.PrimaryKeyConstraint("patient_id", "id", name=op.f("pk_check_in")),
    )
    op.create_index(
        "ix_check_in_patient_id_recorded_at_id", "check_in", ["patient_id", "recorded_at", "id"], unique=False
    )
    op.create_index(
        "uq_check_in_counts",
        "check_in",
        ["patient_id", "day"],
        unique=True,
        postgresql_where=sa.text("counts"),
    )
    op.create_table(
        "course",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column(
            "indication",
            sa.Enum(
                "nicotine",
                "cocaine",
                "alcohol",
                "opioids",
                "methamphetamine",
                "cannabis",
                "gambling",
                "other",
                name="indication",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "target",
            sa.Enum(
                "left_dlpfc",
                "right_dlpfc",
                "insula",
                "medial_prefrontal",
                "other",
                name="target",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("planned_sessions", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("planned_sessions BETWEEN 1 AND 100", name=op.f("ck_course_planned_sessions")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_course_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
    )
    op.create_index(op.f("ix_course_patient_id"), "course", ["patient_id"], unique=False)
    op.create_table(
        "invite",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["member.id"], name=op.f("fk_invite_created_by")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_invite_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invite")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invite_code_hash")),
    )
    op.create_index(op.f("ix_invite_patient_id"), "invite", ["patient_id"], unique=False)
    op.create_table(
        "alert_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "raised",
                "repeated",
                "severity_raised",
                "acknowledged",
                "resolved",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("sentence", sa.String(), nullable=True),
        sa.Column("basis", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("severity IN ('urgent', 'prompt', 'routine')", name=op.f("ck_alert_event_severity")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_event_alert_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_alert_event_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_event")),
    )
    op.create_index(op.f("ix_alert_event_alert_id"), "alert_event", ["alert_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "scheduled",
                "attended",
                "missed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_session_number")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_session_course_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_session_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("course_id", "number", name=op.f("uq_session_course_id_number")),
    )
    op.create_index("ix_session_patient_id_starts_at", "session", ["patient_id", "starts_at"], unique=False)
    op.create_table(
        "alert_email",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sent",
                "undeliverable",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_alert_email_sent")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_email_alert_id")),
        sa.ForeignKeyConstraint(["event_id"], ["alert_event.id"], name=op.f("fk_alert_email_event_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_alert_email_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_email")),
        sa.UniqueConstraint("event_id", "member_id", name=op.f("uq_alert_email_event_id_member_id")),
    )
    op.create_index(op.f("ix_alert_email_alert_id"), "alert_email", ["alert_id"], unique=False)
    op.create_index(
        "ix_alert_email_due_at",
        "alert_email",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute(grants("REVOKE", "FROM"))


def grants(verb: str, preposition: str) -> str:
    """What the owner makes from here on, in this schema, the app's role may use."""
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    return f"""
        ALTER DEFAULT PRIVILEGES IN SCHEMA public
            {verb} SELECT, INSERT, UPDATE, DELETE ON TABLES {preposition} {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public
            {verb} USAGE, SELECT ON SEQUENCES {preposition} {role};
    """
