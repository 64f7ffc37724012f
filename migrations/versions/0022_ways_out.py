"""More ways to a person: a digest each morning, an alarm to the admins, the clinic's own address, its webhook.

An alert's email may wait for the digest, and may come back: then its recipient's address is marked, and the next
person hears. clinics_with_due tells of these, too. health_counts counts an alert as without a recipient when nobody,
whoever it was, is or was told of it who can be reached; and of mails that cannot be delivered those whose alert is
still open.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON {table} USING (clinic_id = (SELECT {clinic}))
        WITH CHECK (clinic_id = (SELECT {clinic}));
"""
INSTANT = sa.DateTime(timezone=True)
STATES = ("queued", "sent", "undeliverable", "withheld")
NEW_STATES = (*STATES, "in_digest", "bounced")
WITHHELD = ("not_in_care_team", "participation_withdrawn", "consent_withdrawn", "consent_expired")
DUE = """
    CREATE OR REPLACE FUNCTION clinics_with_due(job text, at timestamp with time zone)
    RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT DISTINCT patient.clinic_id
            FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
            WHERE clinics_with_due.job = 'assess' AND clinic.live AND patient.assess_due_at <= clinics_with_due.at
            UNION ALL
            {deliver}
            UNION ALL
            SELECT DISTINCT patient.clinic_id
            FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
            WHERE clinics_with_due.job = 'remind' AND clinic.live AND patient.remind_due_at <= clinics_with_due.at
            {more}
    $$
"""
DELIVER = """SELECT DISTINCT clinic_id FROM public.alert_email
            WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at"""
DELIVER_ALL = """(SELECT clinic_id FROM public.alert_email
                WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at
            UNION
            SELECT clinic_id FROM public.member_mail
                WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at
            UNION
            SELECT clinic_id FROM public.webhook_call
                WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at)"""
MORE = """UNION ALL
            SELECT DISTINCT alert.clinic_id
            FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
            WHERE clinics_with_due.job = 'escalate' AND clinic.live AND alert.escalate_at <= clinics_with_due.at
            UNION ALL
            SELECT routing.clinic_id
            FROM public.routing JOIN public.clinic ON clinic.id = routing.clinic_id
            WHERE clinics_with_due.job = 'digest' AND clinic.live AND routing.digest_due_at <= clinics_with_due.at
"""
HEALTH = """
    CREATE OR REPLACE FUNCTION health_counts()
    RETURNS TABLE (
        assessment_due_since timestamp with time zone, assessments_failing bigint, emails_waiting bigint,
        email_waiting_since timestamp with time zone, emails_undeliverable bigint, alerts_without_recipient bigint
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT
                (SELECT min(patient.assess_due_at)
                 FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id WHERE clinic.live),
                (SELECT count(*) FROM public.patient WHERE assess_failures > 0),
                waiting.emails, waiting.since,
                {undeliverable},
                {unheard}
            FROM (SELECT count(*), min(created_at) FROM public.alert_email WHERE state = 'queued')
                AS waiting (emails, since)
        $$
"""
# As in 0015.
UNDELIVERABLE = "(SELECT count(*) FROM public.alert_email WHERE state = 'undeliverable')"
UNHEARD = """(SELECT count(*)
                 FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
                 WHERE clinic.live AND alert.state <> 'resolved' AND NOT EXISTS (
                     SELECT FROM public.alert_email
                     JOIN public.care_team
                         ON care_team.patient_id = alert.patient_id AND care_team.member_id = alert_email.member_id
                     JOIN public.member ON member.id = alert_email.member_id
                     WHERE alert_email.alert_id = alert.id AND alert_email.state IN ('queued', 'sent')
                         AND member.active)
                     AND (alert.severity = 'urgent' OR NOT EXISTS (
                         SELECT FROM public.patient
                         WHERE patient.id = alert.patient_id AND patient.withdrawn_at IS NOT NULL)))"""
UNDELIVERABLE_NOW = """(SELECT count(*)
                 FROM public.alert_email JOIN public.alert ON alert.id = alert_email.alert_id
                 WHERE alert_email.state IN ('undeliverable', 'bounced') AND alert.state = 'open')"""
UNHEARD_NOW = """(SELECT count(*)
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
    op.add_column("member", sa.Column("bounced_at", INSTANT, nullable=True))
    op.add_column("member", sa.Column("bounce_status", sa.String(), nullable=True))
    op.create_check_constraint(op.f("ck_member_bounced"), "member", "(bounced_at IS NULL) = (bounce_status IS NULL)")
    _create_member_mail()
    _create_webhook_call()
    for table in ("member_mail", "webhook_call"):
        op.execute(POLICY.format(table=table, clinic=CLINIC))
    _widen_emails()
    op.execute(DUE.format(deliver=DELIVER_ALL, more=MORE))
    op.execute(HEALTH.format(undeliverable=UNDELIVERABLE_NOW, unheard=UNHEARD_NOW))


def downgrade() -> None:
    """What waited for a digest is mailed by itself; mails to the clinic's own address, and what bounced, are lost."""
    op.execute(DUE.format(deliver=DELIVER, more=""))
    op.execute(HEALTH.format(undeliverable=UNDELIVERABLE, unheard=UNHEARD))
    op.execute("""
        DELETE FROM alert_email WHERE to_clinic OR withheld_why = 'acknowledged';
        UPDATE alert_email SET state = 'queued' WHERE state = 'in_digest';
        UPDATE alert_email SET state = 'sent' WHERE state = 'bounced'
    """)
    _narrow_emails()
    op.drop_table("webhook_call")
    op.drop_table("member_mail")
    op.drop_constraint(op.f("ck_member_bounced"), "member")
    op.drop_column("member", "bounce_status")
    op.drop_column("member", "bounced_at")


def _create_member_mail() -> None:
    op.create_table(
        "member_mail",
        *_outgoing("member_mail"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.SmallInteger(), nullable=False)
            for name in ("urgent", "prompt", "routine", "unrouted", "undeliverable")
        ),
        sa.CheckConstraint("kind IN ('digest', 'alarm')", name=op.f("ck_member_mail_kind")),
        sa.CheckConstraint("state NOT IN ('in_digest')", name=op.f("ck_member_mail_not_in_digest")),
        sa.CheckConstraint("(state IN ('sent', 'bounced')) = (sent_at IS NOT NULL)", name=op.f("ck_member_mail_sent")),
        sa.CheckConstraint("(kind = 'alarm') = (alert_id IS NOT NULL)", name=op.f("ck_member_mail_about")),
        sa.UniqueConstraint("member_id", "alert_id", name=op.f("uq_member_mail_member_id_alert_id")),
        sa.UniqueConstraint("id", "clinic_id", name=op.f("uq_member_mail_id_clinic_id")),
        _within_clinic("member_mail", "member"),
        _within_clinic("member_mail", "alert"),
    )
    op.create_index(op.f("ix_member_mail_alert_id"), "member_mail", ["alert_id"])
    op.create_index(
        "uq_member_mail_digest", "member_mail", ["member_id", "day"],
        unique=True, postgresql_where=sa.text("kind = 'digest'"),
    )  # fmt: skip
    _index_due("member_mail")


def _create_webhook_call() -> None:
    op.create_table(
        "webhook_call",
        *_outgoing("webhook_call"),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("because", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "because IN ('undeliverable', 'unacknowledged', 'unrouted')", name=op.f("ck_webhook_call_because")
        ),
        sa.CheckConstraint("state NOT IN ('in_digest', 'bounced')", name=op.f("ck_webhook_call_states")),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_webhook_call_sent")),
        sa.UniqueConstraint("event_id", "because", name=op.f("uq_webhook_call_event_id_because")),
        _within_clinic("webhook_call", "alert"),
        sa.ForeignKeyConstraint(["event_id"], ["alert_event.id"], name=op.f("fk_webhook_call_event_id")),
    )
    op.create_index(op.f("ix_webhook_call_alert_id"), "webhook_call", ["alert_id"])
    _index_due("webhook_call")


def _outgoing(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.CheckConstraint(f"state IN ({_listed(NEW_STATES)})", name=op.f(f"ck_{table}_state")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _within_clinic(table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [f"{parent}_id", "clinic_id"], [f"{parent}.id", f"{parent}.clinic_id"],
        name=op.f(f"fk_{table}_{parent}_id_clinic_id"),
    )  # fmt: skip


def _index_due(table: str) -> None:
    op.create_index(f"ix_{table}_due_at", table, ["due_at"], postgresql_where=sa.text("state = 'queued'"))


def _widen_emails() -> None:
    op.add_column("alert_email", sa.Column("to_clinic", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alert_email", sa.Column("stand_in", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alert_email", sa.Column("digest_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_alert_email_digest_id_clinic_id"), "alert_email", "member_mail", ["digest_id", "clinic_id"],
        ["id", "clinic_id"],
    )  # fmt: skip
    op.create_index(op.f("ix_alert_email_digest_id"), "alert_email", ["digest_id"])
    op.create_index(op.f("ix_alert_email_member_id"), "alert_email", ["member_id"])
    op.create_index(
        "uq_alert_email_to_clinic", "alert_email", ["event_id"], unique=True, postgresql_where=sa.text("to_clinic")
    )
    _hold("withheld_why", f"withheld_why IN ({_listed((*WITHHELD, 'acknowledged'))})")
    _hold("one_recipient", "num_nonnulls(member_id, consent_id) + to_clinic::integer = 1")
    _hold("sent", "(state IN ('sent', 'bounced')) = (sent_at IS NOT NULL)")
    op.create_check_constraint(
        op.f("ck_alert_email_in_digest"), "alert_email", "state <> 'in_digest' OR member_id IS NOT NULL"
    )
    _allow(NEW_STATES)


def _narrow_emails() -> None:
    _allow(STATES)
    _hold("withheld_why", f"withheld_why IN ({_listed(WITHHELD)})")
    op.drop_constraint(op.f("ck_alert_email_in_digest"), "alert_email")
    _hold("sent", "(state = 'sent') = (sent_at IS NOT NULL)")
    _hold("one_recipient", "num_nonnulls(member_id, consent_id) = 1")
    for index in ("uq_alert_email_to_clinic", "ix_alert_email_member_id", "ix_alert_email_digest_id"):
        op.drop_index(index, "alert_email")
    op.drop_constraint(op.f("fk_alert_email_digest_id_clinic_id"), "alert_email")
    op.drop_column("alert_email", "digest_id")
    op.drop_column("alert_email", "stand_in")
    op.drop_column("alert_email", "to_clinic")


def _hold(name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_alert_email_{name}"), "alert_email")
    op.create_check_constraint(op.f(f"ck_alert_email_{name}"), "alert_email", rule)


def _allow(states: tuple[str, ...]) -> None:
    _hold("state", f"state IN ({_listed(states)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
