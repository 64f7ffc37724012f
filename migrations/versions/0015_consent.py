"""Consent as data, and the ledger of what went outside. Who withdrew is never due, and those days are not silence.

Whoever is enrolled has agreed to take part: that consent is recorded as of the enrolment, under its own wording. The
app's role may end a consent, not rewrite it, and only add to the ledger. An alert email goes to a member or to whom a
consent names; one that was not to go says why.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0015"
down_revision = "0014"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON {table} USING (clinic_id = (SELECT {clinic}))
        WITH CHECK (clinic_id = (SELECT {clinic}));
"""
KINDS = ("participation", "disclosure")
PURPOSES = ("monitoring", "treatment", "support", "own_request")
WHATS = ("check_ins", "alerts", "urgent_alerts")
ENDED = ("by_patient", "with_participation", "expired")
WITHHELD = ("not_in_care_team", "participation_withdrawn", "consent_withdrawn", "consent_expired")
# As in 0009, but for the last line: mails about whoever takes no part are withheld, and that is no alert without a
# recipient, unless it is urgent.
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
                (SELECT count(*) FROM public.alert_email WHERE state = 'undeliverable'),
                -- Alerts not closed that nobody of today's care team was, or is about to be, told of.
                (SELECT count(*)
                 FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
                 WHERE clinic.live AND alert.state <> 'resolved' AND NOT EXISTS (
                     SELECT FROM public.alert_email
                     JOIN public.care_team
                         ON care_team.patient_id = alert.patient_id AND care_team.member_id = alert_email.member_id
                     JOIN public.member ON member.id = alert_email.member_id
                     WHERE alert_email.alert_id = alert.id AND alert_email.state IN ('queued', 'sent')
                         AND member.active){but})
            FROM (SELECT count(*), min(created_at) FROM public.alert_email WHERE state = 'queued')
                AS waiting (emails, since)
        $$
"""
BUT_THE_WITHDRAWN = """
                     AND (alert.severity = 'urgent' OR NOT EXISTS (
                         SELECT FROM public.patient
                         WHERE patient.id = alert.patient_id AND patient.withdrawn_at IS NOT NULL))"""


def upgrade() -> None:
    _create_tables()
    op.add_column("patient", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_patient_withdrawn"), "patient", "withdrawn_at IS NULL OR assess_due_at IS NULL")
    op.add_column("pause", _chosen("why", nullable=False, server_default="clinic"))
    op.alter_column("pause", "why", server_default=None)
    _allow("pause", "why", ("clinic", "withdrawal"))
    _make_open_pauses_unique("patient_id", "why")
    _widen_emails()
    op.execute("""
        INSERT INTO consent (id, clinic_id, patient_id, kind, purpose, what, wording, granted_at)
        SELECT gen_random_uuid(), clinic_id, id, 'participation', 'monitoring', 'check_ins', 'before-0015',
               coalesce((SELECT min(redeemed_at) FROM invite WHERE invite.patient_id = patient.id), created_at)
        FROM patient WHERE password_hash IS NOT NULL
    """)
    op.execute(HEALTH.replace("{but}", BUT_THE_WITHDRAWN))
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for table in ("consent", "disclosure"):
        op.execute(POLICY.format(table=table, clinic=CLINIC))
        op.execute(f"REVOKE ALL ON {table} FROM {role}; GRANT SELECT, INSERT ON {table} TO {role}")
    op.execute(f"GRANT DELETE, UPDATE (withdrawn_at, withdrawn_how) ON consent TO {role}")


def downgrade() -> None:
    """Consents, the ledger, and mails to people outside are lost. Who had withdrawn stays paused."""
    op.execute(HEALTH.replace("{but}", ""))
    op.execute("DELETE FROM alert_email WHERE consent_id IS NOT NULL")
    _narrow_emails()
    op.execute("""
        DELETE FROM pause WHERE why = 'withdrawal' AND last_day IS NULL AND EXISTS (
            SELECT FROM pause other
            WHERE other.patient_id = pause.patient_id AND other.why = 'clinic' AND other.last_day IS NULL)
    """)
    _make_open_pauses_unique("patient_id")
    op.drop_column("pause", "why")
    op.drop_constraint(op.f("ck_patient_withdrawn"), "patient")
    op.drop_column("patient", "withdrawn_at")
    op.drop_table("disclosure")
    op.drop_table("consent")


def _create_tables() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        _chosen("kind", nullable=False),
        _chosen("purpose", nullable=False),
        _chosen("what", nullable=False),
        sa.Column("recipient_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recipient_email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recipient_index", sa.LargeBinary(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        _chosen("withdrawn_how", nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(recipient_name_sealed, recipient_email_sealed, recipient_index, reference, expires_on)"
            " = CASE WHEN kind = 'disclosure' THEN 5 ELSE 0 END",
            name=op.f("ck_consent_recipient"),
        ),
        sa.CheckConstraint("(kind = 'participation') = (what = 'check_ins')", name=op.f("ck_consent_what_of_kind")),
        sa.CheckConstraint(
            "(kind = 'participation') = (purpose = 'monitoring')", name=op.f("ck_consent_purpose_of_kind")
        ),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_how IS NULL)", name=op.f("ck_consent_withdrawn")),
        sa.ForeignKeyConstraint(
            ["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"],
            name=op.f("fk_consent_patient_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("clinic_id", "reference", name=op.f("uq_consent_clinic_id_reference")),
        sa.UniqueConstraint("id", "clinic_id", name=op.f("uq_consent_id_clinic_id")),
    )  # fmt: skip
    op.create_index(op.f("ix_consent_patient_id"), "consent", ["patient_id"])
    for name, kind, columns in (
        ("uq_consent_participation", "participation", ["patient_id"]),
        ("uq_consent_recipient", "disclosure", ["patient_id", "recipient_index"]),
    ):
        in_force = sa.text(f"kind = '{kind}' AND withdrawn_at IS NULL")
        op.create_index(name, "consent", columns, unique=True, postgresql_where=in_force)
    op.create_table(
        "disclosure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipient_name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_email_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        _chosen("purpose", nullable=False),
        _chosen("what", nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_disclosure_clinic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
        sa.UniqueConstraint("email_id", name=op.f("uq_disclosure_email_id")),
    )
    op.create_index("ix_disclosure_patient_id_at_id", "disclosure", ["patient_id", "at", "id"])
    for table, column, values in (
        ("consent", "kind", KINDS), ("consent", "purpose", PURPOSES), ("consent", "what", WHATS),
        ("consent", "withdrawn_how", ENDED), ("disclosure", "purpose", PURPOSES), ("disclosure", "what", WHATS),
    ):  # fmt: skip
        _allow(table, column, values)


def _widen_emails() -> None:
    op.alter_column("alert_email", "member_id", nullable=True)
    op.add_column("alert_email", sa.Column("consent_id", sa.Uuid(), nullable=True))
    op.add_column("alert_email", _chosen("withheld_why", nullable=True))
    _allow("alert_email", "withheld_why", WITHHELD)
    op.drop_constraint(op.f("ck_alert_email_state"), "alert_email")
    op.execute("""
        UPDATE alert_email SET state = 'withheld', withheld_why = 'not_in_care_team' WHERE state = 'withdrawn'
    """)
    _allow("alert_email", "state", ("queued", "sent", "undeliverable", "withheld"))
    op.create_check_constraint(
        op.f("ck_alert_email_one_recipient"), "alert_email", "num_nonnulls(member_id, consent_id) = 1"
    )
    op.create_check_constraint(
        op.f("ck_alert_email_withheld"), "alert_email", "(state = 'withheld') = (withheld_why IS NOT NULL)"
    )
    op.create_unique_constraint(op.f("uq_alert_email_event_id_consent_id"), "alert_email", ["event_id", "consent_id"])
    op.create_foreign_key(
        op.f("fk_alert_email_consent_id_clinic_id"), "alert_email", "consent", ["consent_id", "clinic_id"],
        ["id", "clinic_id"],
    )  # fmt: skip
    op.create_index(op.f("ix_alert_email_consent_id"), "alert_email", ["consent_id"])


def _narrow_emails() -> None:
    for constraint in ("ck_alert_email_state", "ck_alert_email_one_recipient", "ck_alert_email_withheld"):
        op.drop_constraint(op.f(constraint), "alert_email")
    op.execute("UPDATE alert_email SET state = 'withdrawn' WHERE state = 'withheld'")
    op.drop_column("alert_email", "withheld_why")
    op.drop_column("alert_email", "consent_id")
    op.alter_column("alert_email", "member_id", nullable=False)
    _allow("alert_email", "state", ("queued", "sent", "undeliverable", "withdrawn"))


def _make_open_pauses_unique(*columns: str) -> None:
    op.drop_index("uq_pause_open", "pause")
    op.create_index("uq_pause_open", "pause", list(columns), unique=True, postgresql_where=sa.text("last_day IS NULL"))


def _chosen(name: str, **how: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), **how)


def _allow(table: str, column: str, values: Sequence[str]) -> None:
    """The same CHECK as the model's."""
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")
