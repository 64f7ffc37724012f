"""What else on an alert's way can be late: escalations, digests, mails to members, calls to webhooks. All are counted.

ways_waiting runs as the owner, for it is about every clinic, and tells instants alone: since when the oldest of each
has been due. A call that fails is the clinic's own system's doing, but a call that nobody makes is ours.
"""

from alembic import context, op

revision = "0026"
down_revision = "0025"

SAFE = "SET search_path = pg_catalog, pg_temp"
WAITING = """
    CREATE FUNCTION ways_waiting()
    RETURNS TABLE (
        escalation_due_since timestamp with time zone, digest_due_since timestamp with time zone,
        member_mail_waiting_since timestamp with time zone, call_due_since timestamp with time zone
    )
    LANGUAGE sql STABLE SECURITY DEFINER {safe} AS $$
            SELECT
                (SELECT alert.escalate_at FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
                 WHERE clinic.live AND alert.escalate_at IS NOT NULL ORDER BY alert.escalate_at LIMIT 1),
                (SELECT min(routing.digest_due_at)
                 FROM public.routing JOIN public.clinic ON clinic.id = routing.clinic_id WHERE clinic.live),
                (SELECT min(created_at) FROM public.member_mail WHERE state = 'queued'),
                (SELECT min(due_at) FROM public.webhook_call WHERE state = 'queued')
        $$
"""
# As tally_alert_emails (0023), under the table's own name.
TALLY = """
    CREATE FUNCTION tally_outgoing() RETURNS trigger LANGUAGE plpgsql {safe} AS $$
        BEGIN
            IF TG_OP = 'INSERT' OR OLD.state <> NEW.state THEN
                INSERT INTO public.tally (name, label, counted) VALUES (TG_TABLE_NAME || 's', NEW.state, 1);
            END IF;
            RETURN NULL;
        END $$
"""
COUNTED = ("member_mail", "webhook_call")


def upgrade() -> None:
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(WAITING.format(safe=SAFE))
    op.execute(TALLY.format(safe=SAFE))
    op.execute("REVOKE ALL ON FUNCTION ways_waiting(), tally_outgoing() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ways_waiting() TO {role}")
    for table in COUNTED:
        op.execute(f"""
            CREATE TRIGGER tally AFTER INSERT OR UPDATE OF state ON {table}
                FOR EACH ROW EXECUTE FUNCTION tally_outgoing()
        """)


def downgrade() -> None:
    """They are counted no more; what was counted stays."""
    for table in COUNTED:
        op.execute(f"DROP TRIGGER tally ON {table}")
    op.execute("DROP FUNCTION ways_waiting(), tally_outgoing()")
