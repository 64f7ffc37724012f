"""After a restore: mails that may have gone since the backup are held, and urgent alerts are told anew."""

from alembic import op

revision = "0024"
down_revision = "0023"

KINDS = ("raised", "repeated", "severity_raised", "restated", "superseded", "escalated", "acknowledged", "resolved")
WITHHELD = ("not_in_care_team", "participation_withdrawn", "consent_withdrawn", "consent_expired", "acknowledged")


def upgrade() -> None:
    _allow("alert_event", "kind", (*KINDS, "restored"))
    _allow("alert_email", "withheld_why", (*WITHHELD, "restored"))


def downgrade() -> None:
    """That an alert was told anew is lost, and why a mail was held."""
    op.execute("""
        DELETE FROM webhook_call WHERE event_id IN (SELECT id FROM alert_event WHERE kind = 'restored');
        DELETE FROM alert_email WHERE event_id IN (SELECT id FROM alert_event WHERE kind = 'restored');
        DELETE FROM alert_event WHERE kind = 'restored';
        UPDATE alert_email SET withheld_why = 'not_in_care_team' WHERE withheld_why = 'restored'
    """)
    _allow("alert_email", "withheld_why", WITHHELD)
    _allow("alert_event", "kind", KINDS)


def _allow(table: str, column: str, values: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")
