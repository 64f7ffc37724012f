"""What /metrics tells: counts that grow with what is done, and how long things wait.

Check-ins and alert emails are counted by triggers: in the transaction that stores them, with no trip of its own, and
whoever writes them need not know. A count is a row that is added, so nobody waits for a counter.

Functions, both for the app's role alone:

alerts_waiting  runs as the owner, for it is about every clinic: of each severity, how many alerts nobody has
                acknowledged, and since when the oldest waits
queue_waiting   how long the oldest job waits that might be done, in seconds (but for those that come last, such as
                reminders), and how many workers are alive; by the database's clock, as all of the queue's own times
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0023"
down_revision = "0022"

SAFE = "SET search_path = pg_catalog, pg_temp"
TRIGGERS = {
    "tally_check_ins()": """
        RETURNS trigger LANGUAGE plpgsql {safe} AS $$
        BEGIN
            INSERT INTO public.tally (name, label, counted)
            SELECT 'check_ins', '', count(*)
            FROM arrived JOIN public.clinic ON clinic.id = arrived.clinic_id
            WHERE clinic.live HAVING count(*) > 0;
            RETURN NULL;
        END $$
    """,
    "tally_alert_emails()": """
        RETURNS trigger LANGUAGE plpgsql {safe} AS $$
        BEGIN
            IF TG_OP = 'INSERT' OR OLD.state <> NEW.state THEN
                INSERT INTO public.tally (name, label, counted) VALUES ('alert_emails', NEW.state, 1);
            END IF;
            RETURN NULL;
        END $$
    """,
}
FUNCTIONS = {
    "alerts_waiting()": """
        RETURNS TABLE (
            urgent bigint, urgent_since timestamp with time zone, prompt bigint, prompt_since timestamp with time zone,
            routine bigint, routine_since timestamp with time zone
        )
        LANGUAGE sql STABLE SECURITY DEFINER {safe} AS $$
            SELECT count(*) FILTER (WHERE severity = 'urgent'), min(since) FILTER (WHERE severity = 'urgent'),
                   count(*) FILTER (WHERE severity = 'prompt'), min(since) FILTER (WHERE severity = 'prompt'),
                   count(*) FILTER (WHERE severity = 'routine'), min(since) FILTER (WHERE severity = 'routine')
            FROM public.alert
            JOIN public.clinic ON clinic.id = alert.clinic_id
            -- As the tally of acknowledgements has it (server.services.alerts).
            CROSS JOIN LATERAL (
                SELECT coalesce(max(at) FILTER (WHERE kind IN ('raised', 'severity_raised')), min(at)) AS since
                FROM public.alert_event
                WHERE alert_id = alert.id AND kind IN ('raised', 'severity_raised', 'repeated')
                    AND alert_event.id > coalesce(
                        (SELECT max(id) FROM public.alert_event
                         WHERE alert_id = alert.id AND kind = 'acknowledged'), 0)
            ) AS waiting
            WHERE clinic.live AND alert.state = 'open'
        $$
    """,
    "queue_waiting()": """
        RETURNS TABLE (late_seconds double precision, workers bigint)
        LANGUAGE sql STABLE {safe} AS $$
            SELECT
                -- A job that was put off is late from then on, any other since it was put on the queue.
                coalesce(extract(epoch FROM now() - least(
                    (SELECT min(scheduled_at) FROM public.procrastinate_jobs
                     WHERE status = 'todo' AND priority > -10 AND scheduled_at <= now()),
                    (SELECT min(at) FROM public.procrastinate_events
                     WHERE type = 'deferred' AND job_id = (
                         SELECT min(id) FROM public.procrastinate_jobs
                         WHERE status = 'todo' AND priority > -10 AND scheduled_at IS NULL))
                )), 0)::double precision,
                -- Each says so every ten seconds.
                (SELECT count(*) FROM public.procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute')
        $$
    """,
}


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("counted", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally")),
    )
    # What a probe asks for must not cost a look at every row.
    op.create_index("ix_patient_assess_failures", "patient", ["id"], postgresql_where=sa.text("assess_failures > 0"))
    op.create_index(
        "ix_alert_email_undelivered", "alert_email", ["alert_id"],
        postgresql_where=sa.text("state IN ('undeliverable', 'bounced')"),
    )  # fmt: skip
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for signature, body in {**TRIGGERS, **FUNCTIONS}.items():
        op.execute(f"CREATE FUNCTION {signature} {body.format(safe=SAFE)}")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    for signature in FUNCTIONS:
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}")
    op.execute("""
        CREATE TRIGGER tally AFTER INSERT ON check_in REFERENCING NEW TABLE AS arrived
            FOR EACH STATEMENT EXECUTE FUNCTION tally_check_ins();
        CREATE TRIGGER tally AFTER INSERT OR UPDATE OF state ON alert_email
            FOR EACH ROW EXECUTE FUNCTION tally_alert_emails();
    """)


def downgrade() -> None:
    """What was counted is lost; counting begins anew."""
    op.execute("DROP TRIGGER tally ON check_in; DROP TRIGGER tally ON alert_email")
    for signature in {**TRIGGERS, **FUNCTIONS}:
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_index("ix_alert_email_undelivered", "alert_email")
    op.drop_index("ix_patient_assess_failures", "patient")
    op.drop_table("tally")
