"""What a late check-in does to an alert: restated or superseded, with the reason, and never silently withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KINDS = ("raised", "repeated", "severity_raised", "acknowledged", "resolved")
CHANGED = ("restated", "superseded")


def upgrade() -> None:
    _allow(KINDS[:3] + CHANGED + KINDS[3:])
    op.add_column("alert", sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alert_event", sa.Column("stands_on", sa.Date(), nullable=True))
    op.add_column("alert_event", sa.Column("reason", sa.String(), nullable=True))
    op.execute("UPDATE alert_event SET stands_on = day")


def downgrade() -> None:
    """The events that 0003 does not know are lost."""
    op.execute("DELETE FROM alert_event WHERE kind IN ('restated', 'superseded')")
    op.drop_column("alert_event", "reason")
    op.drop_column("alert_event", "stands_on")
    op.drop_column("alert", "superseded_at")
    _allow(KINDS)


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_alert_event_kind"), "alert_event")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_alert_event_kind"), "alert_event", f"kind IN ({listed})")
