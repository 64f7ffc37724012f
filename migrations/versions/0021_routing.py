"""To whom an alert goes and when the next person hears of it: deadlines, quiet hours, who is on call, who is away.

Clinics begin with the defaults, and their first digest is tomorrow's. What is open now waits its deadline from now on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON {table} USING (clinic_id = (SELECT {clinic}))
        WITH CHECK (clinic_id = (SELECT {clinic}));
"""
KINDS = ("raised", "repeated", "severity_raised", "restated", "superseded", "acknowledged", "resolved")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_routing()
    _create_on_call()
    _create_absence()
    for table in ("routing", "on_call", "absence"):
        op.execute(POLICY.format(table=table, clinic=CLINIC))
    _allow((*KINDS[:5], "escalated", *KINDS[5:]))
    op.add_column("alert", sa.Column("escalate_at", INSTANT, nullable=True))
    op.add_column("alert", sa.Column("escalate_queued_at", INSTANT, nullable=True))
    op.execute("""
        UPDATE alert SET escalate_at = now() + make_interval(mins =>
            CASE severity WHEN 'urgent' THEN 15 WHEN 'prompt' THEN 240 ELSE 2880 END)
        WHERE state = 'open'
    """)
    op.create_check_constraint(op.f("ck_alert_escalates_while_open"), "alert", "escalate_at IS NULL OR state = 'open'")
    op.create_index(
        "ix_alert_escalate_at", "alert", ["escalate_at"], postgresql_where=sa.text("escalate_at IS NOT NULL")
    )


def downgrade() -> None:
    """Nothing escalates any more, and who was on call or away is lost."""
    op.execute("""
        DELETE FROM alert_email WHERE event_id IN (SELECT id FROM alert_event WHERE kind = 'escalated');
        DELETE FROM alert_event WHERE kind = 'escalated'
    """)
    op.drop_index("ix_alert_escalate_at", "alert")
    op.drop_constraint(op.f("ck_alert_escalates_while_open"), "alert")
    op.drop_column("alert", "escalate_queued_at")
    op.drop_column("alert", "escalate_at")
    _allow(KINDS)
    for table in ("absence", "on_call", "routing"):
        op.drop_table(table)


def _create_routing() -> None:
    op.create_table(
        "routing",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("urgent_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("prompt_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("routine_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_until", sa.Time(), nullable=False),
        sa.Column("digest_at", sa.Time(), nullable=False),
        sa.Column("digest_due_at", INSTANT, nullable=False),
        sa.Column("digest_queued_at", INSTANT, nullable=True),
        sa.Column("escalation_email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("webhook_url_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("webhook_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "urgent_minutes BETWEEN 5 AND 1440 AND prompt_minutes BETWEEN 15 AND 10080 AND routine_minutes >= 60",
            name=op.f("ck_routing_deadlines"),
        ),
        sa.CheckConstraint("routine_minutes <= 20160", name=op.f("ck_routing_routine")),
        sa.CheckConstraint(
            "(webhook_url_sealed IS NULL) = (webhook_secret_sealed IS NULL)", name=op.f("ck_routing_webhook")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_routing_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_routing")),
    )
    op.create_index(op.f("ix_routing_digest_due_at"), "routing", ["digest_due_at"])
    op.execute("""
        INSERT INTO routing (clinic_id, urgent_minutes, prompt_minutes, routine_minutes, quiet_from, quiet_until,
                             digest_at, digest_due_at)
        SELECT id, 15, 240, 2880, '19:00', '07:00', '07:30',
               (date_trunc('day', now() AT TIME ZONE zone) + interval '1 day 7 hours 30 minutes') AT TIME ZONE zone
        FROM clinic
    """)


def _create_on_call() -> None:
    op.create_table(
        "on_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        *_kept_by("on_call"),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_on_call_times")),
        _member("on_call", "member_id"),
    )
    op.create_index(op.f("ix_on_call_member_id"), "on_call", ["member_id"])


def _create_absence() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("deputy_id", sa.Uuid(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        *_kept_by("absence"),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_absence_days")),
        sa.CheckConstraint("deputy_id <> member_id", name=op.f("ck_absence_deputy")),
        _member("absence", "member_id"),
        _member("absence", "deputy_id"),
    )
    for column in ("member_id", "deputy_id"):
        op.create_index(op.f(f"ix_absence_{column}"), "absence", [column])


def _kept_by(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.ForeignKeyConstraint(["created_by"], ["member.id"], name=op.f(f"fk_{table}_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _member(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column, "clinic_id"], ["member.id", "member.clinic_id"], name=op.f(f"fk_{table}_{column}_clinic_id")
    )


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_alert_event_kind"), "alert_event")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_alert_event_kind"), "alert_event", f"kind IN ({listed})")
