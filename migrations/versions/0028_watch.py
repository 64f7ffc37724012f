"""What a look at a patient writes, in one narrow row of its own: when to look again, and what the engine remembers.

It stood in the patient's own row, which is wide and has many indexes, and beside it in trend_state.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = f"""
    ALTER TABLE {{table}} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON {{table}} USING (clinic_id = (SELECT {CLINIC}))
        WITH CHECK (clinic_id = (SELECT {CLINIC}));
"""
INSTANT = sa.DateTime(timezone=True)
SAFE = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
MOVED = """
    INSERT INTO watch (patient_id, clinic_id, due_at, queued_at, looked_at, failures, error, through, version, standing)
    SELECT patient.id, patient.clinic_id, assess_due_at, assess_queued_at, assessed_at, assess_failures, assess_error,
        trend_through, version, standing
    FROM patient LEFT JOIN trend_state ON trend_state.patient_id = patient.id
"""
MOVED_BACK = """
    UPDATE patient SET assess_due_at = CASE WHEN withdrawn_at IS NULL THEN due_at END, assess_queued_at = queued_at,
        assessed_at = looked_at, assess_failures = failures, assess_error = error, trend_through = through
    FROM watch WHERE watch.patient_id = patient.id;
    INSERT INTO trend_state (patient_id, clinic_id, version, standing)
    SELECT patient_id, clinic_id, version, standing FROM watch WHERE standing IS NOT NULL
"""
# All first, in the order of all who hold several; what a look had written by then, the next statement sees.
FORGET = """
    CREATE OR REPLACE FUNCTION forget_trends_from(day date) RETURNS void LANGUAGE sql VOLATILE {safe} AS $$
            SELECT count(*) FROM (SELECT FROM public.watch ORDER BY patient_id FOR NO KEY UPDATE) AS held;
            UPDATE public.watch SET through = NULL WHERE through >= forget_trends_from.day
        $$
"""
FORGET_BEFORE = """
    CREATE OR REPLACE FUNCTION forget_trends_from(day date) RETURNS void LANGUAGE sql VOLATILE {safe} AS $$
            UPDATE public.patient SET trend_through = NULL WHERE trend_through >= forget_trends_from.day
        $$
"""
# As in 0022, but for the first.
DUE = """
    CREATE OR REPLACE FUNCTION clinics_with_due(job text, at timestamp with time zone)
    RETURNS SETOF uuid LANGUAGE sql STABLE {safe} AS $$
            {assess}
            UNION ALL
            (SELECT clinic_id FROM public.alert_email
                WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at
            UNION
            SELECT clinic_id FROM public.member_mail
                WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at
            UNION
            SELECT clinic_id FROM public.webhook_call
                WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at)
            UNION ALL
            SELECT DISTINCT patient.clinic_id
            FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
            WHERE clinics_with_due.job = 'remind' AND clinic.live AND patient.remind_due_at <= clinics_with_due.at
            UNION ALL
            SELECT DISTINCT alert.clinic_id
            FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
            WHERE clinics_with_due.job = 'escalate' AND clinic.live AND alert.escalate_at <= clinics_with_due.at
            UNION ALL
            SELECT routing.clinic_id
            FROM public.routing JOIN public.clinic ON clinic.id = routing.clinic_id
            WHERE clinics_with_due.job = 'digest' AND clinic.live AND routing.digest_due_at <= clinics_with_due.at
    $$
"""
ASSESS = """SELECT DISTINCT watch.clinic_id
            FROM public.watch JOIN public.clinic ON clinic.id = watch.clinic_id
                JOIN public.patient ON patient.id = watch.patient_id
            WHERE clinics_with_due.job = 'assess' AND clinic.live AND patient.withdrawn_at IS NULL
                AND watch.due_at <= clinics_with_due.at"""
ASSESS_BEFORE = """SELECT DISTINCT patient.clinic_id
            FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
            WHERE clinics_with_due.job = 'assess' AND clinic.live AND patient.assess_due_at <= clinics_with_due.at"""
# As in 0025, but for the first two.
HEALTH = """
    CREATE OR REPLACE FUNCTION health_counts()
    RETURNS TABLE (
        assessment_due_since timestamp with time zone, assessments_failing bigint, emails_waiting bigint,
        email_waiting_since timestamp with time zone, emails_undeliverable bigint, alerts_without_recipient bigint
    )
    LANGUAGE sql STABLE {safe} AS $$
            SELECT
                {due},
                {failing},
                waiting.emails, waiting.since,
                (SELECT count(*)
                 FROM public.alert_email JOIN public.alert ON alert.id = alert_email.alert_id
                 WHERE alert_email.state IN ('undeliverable', 'bounced') AND alert.state = 'open'),
                (SELECT count(*)
                 FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
                 CROSS JOIN LATERAL (
                     SELECT count(*) AS mails FROM public.alert_email
                     LEFT JOIN public.member ON member.id = alert_email.member_id
                     WHERE alert_email.alert_id = alert.id AND alert_email.consent_id IS NULL
                         AND alert_email.state IN ('queued', 'sent', 'in_digest')
                         AND (alert_email.to_clinic OR (member.active AND member.bounced_at IS NULL))
                     OFFSET 0) AS heard
                 WHERE clinic.live AND alert.state <> 'resolved' AND heard.mails = 0
                     AND (alert.severity = 'urgent' OR (
                         SELECT withdrawn_at IS NULL FROM public.patient WHERE patient.id = alert.patient_id)))
            FROM (SELECT count(*), min(created_at) FROM public.alert_email WHERE state = 'queued')
                AS waiting (emails, since)
        $$
"""
FIRST = """(SELECT watch.due_at
                 FROM public.watch JOIN public.clinic ON clinic.id = watch.clinic_id
                     JOIN public.patient ON patient.id = watch.patient_id
                 WHERE clinic.live AND patient.withdrawn_at IS NULL AND watch.due_at IS NOT NULL
                 ORDER BY watch.due_at LIMIT 1)"""
FIRST_BEFORE = """(SELECT patient.assess_due_at
                 FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
                 WHERE clinic.live AND patient.assess_due_at IS NOT NULL
                 ORDER BY patient.assess_due_at LIMIT 1)"""
FAILING = "(SELECT count(*) FROM public.watch WHERE failures > 0)"
FAILING_BEFORE = "(SELECT count(*) FROM public.patient WHERE assess_failures > 0)"


def upgrade() -> None:
    op.create_table(
        "watch",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("queued_at", INSTANT, nullable=True),
        sa.Column("looked_at", INSTANT, nullable=True),
        sa.Column("failures", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("through", sa.Date(), nullable=True),
        sa.Column("version", sa.SmallInteger(), nullable=True),
        sa.Column("standing", sa.LargeBinary(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.CheckConstraint("(version IS NULL) = (standing IS NULL)", name=op.f("ck_watch_standing")),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"], name=op.f("fk_watch_patient_id_clinic_id")
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_watch")),
        postgresql_with={"fillfactor": 50},
    )
    op.execute(MOVED)
    op.create_index("ix_watch_due_at", "watch", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_watch_failures", "watch", ["patient_id"], postgresql_where=sa.text("failures > 0"))
    op.execute(POLICY.format(table="watch"))
    op.execute(FORGET.format(safe=SAFE))
    op.execute(DUE.format(safe=SAFE, assess=ASSESS))
    op.execute(HEALTH.format(safe=SAFE, due=FIRST, failing=FAILING))
    op.drop_table("trend_state")
    # For pages to come: each report writes the patient's row, and with room beside it touches no index.
    op.execute("ALTER TABLE patient SET (fillfactor = 70)")
    op.drop_constraint(op.f("ck_patient_withdrawn"), "patient")
    op.drop_index("ix_patient_assess_due_at", "patient")
    op.drop_index("ix_patient_assess_failures", "patient")
    for column in (
        "assess_due_at", "assess_queued_at", "assessed_at", "assess_failures", "assess_error", "trend_through"
    ):  # fmt: skip
        op.drop_column("patient", column)


def downgrade() -> None:
    op.execute("ALTER TABLE patient RESET (fillfactor)")
    for column in ("assess_due_at", "assess_queued_at", "assessed_at"):
        op.add_column("patient", sa.Column(column, INSTANT, nullable=True))
    op.add_column("patient", sa.Column("assess_failures", sa.SmallInteger(), nullable=False, server_default="0"))
    op.alter_column("patient", "assess_failures", server_default=None)
    op.add_column("patient", sa.Column("assess_error", sa.String(), nullable=True))
    op.add_column("patient", sa.Column("trend_through", sa.Date(), nullable=True))
    op.create_table(
        "trend_state",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("standing", sa.LargeBinary(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f("fk_trend_state_patient_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_trend_state")),
        postgresql_with={"fillfactor": 50},
    )  # fmt: skip
    op.execute(MOVED_BACK)
    op.create_index("ix_patient_assess_due_at", "patient", ["assess_due_at"])
    op.create_index("ix_patient_assess_failures", "patient", ["id"], postgresql_where=sa.text("assess_failures > 0"))
    op.create_check_constraint(op.f("ck_patient_withdrawn"), "patient", "withdrawn_at IS NULL OR assess_due_at IS NULL")
    op.execute(POLICY.format(table="trend_state"))
    op.execute(FORGET_BEFORE.format(safe=SAFE))
    op.execute(DUE.format(safe=SAFE, assess=ASSESS_BEFORE))
    op.execute(HEALTH.format(safe=SAFE, due=FIRST_BEFORE, failing=FAILING_BEFORE))
    op.drop_table("watch")
