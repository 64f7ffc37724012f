"""health_counts by indexes alone: a probe asks every few seconds, and must not look at every patient and every mail.

It tells the same as before (0022).
"""

from alembic import op

revision = "0025"
down_revision = "0024"

HEALTH = """
    CREATE OR REPLACE FUNCTION health_counts()
    RETURNS TABLE (
        assessment_due_since timestamp with time zone, assessments_failing bigint, emails_waiting bigint,
        email_waiting_since timestamp with time zone, emails_undeliverable bigint, alerts_without_recipient bigint
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT
                {due},
                (SELECT count(*) FROM public.patient WHERE assess_failures > 0),
                waiting.emails, waiting.since,
                (SELECT count(*)
                 FROM public.alert_email JOIN public.alert ON alert.id = alert_email.alert_id
                 WHERE alert_email.state IN ('undeliverable', 'bounced') AND alert.state = 'open'),
                {unheard}
            FROM (SELECT count(*), min(created_at) FROM public.alert_email WHERE state = 'queued')
                AS waiting (emails, since)
        $$
"""
# The first that is found, in the order of the index; min() over the join reads them all.
DUE_FIRST = """(SELECT patient.assess_due_at
                 FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
                 WHERE clinic.live AND patient.assess_due_at IS NOT NULL
                 ORDER BY patient.assess_due_at LIMIT 1)"""
# OFFSET 0: each open alert's own mails are looked up, for the planner would rather read all there ever were.
UNHEARD_EACH = """(SELECT count(*)
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
                         SELECT withdrawn_at IS NULL FROM public.patient WHERE patient.id = alert.patient_id)))"""
DUE = """(SELECT min(patient.assess_due_at)
                 FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id WHERE clinic.live)"""
UNHEARD = """(SELECT count(*)
                 FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
                 WHERE clinic.live AND alert.state <> 'resolved' AND NOT EXISTS (
                     SELECT FROM public.alert_email
                     LEFT JOIN public.member ON member.id = alert_email.member_id
                     WHERE alert_email.alert_id = alert.id AND alert_email.consent_id IS NULL
                         AND alert_email.state IN ('queued', 'sent', 'in_digest')
                         AND (alert_email.to_clinic OR (member.active AND member.bounced_at IS NULL)))
                     AND (alert.severity = 'urgent' OR NOT EXISTS (
                         SELECT FROM public.patient
                         WHERE patient.id = alert.patient_id AND patient.withdrawn_at IS NOT NULL)))"""


def upgrade() -> None:
    op.execute(HEALTH.format(due=DUE_FIRST, unheard=UNHEARD_EACH))


def downgrade() -> None:
    op.execute(HEALTH.format(due=DUE, unheard=UNHEARD))
