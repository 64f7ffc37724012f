"""What is late or failing, for readyz: counts and ages only, of all clinics together."""

from datetime import datetime

from sqlalchemy import BigInteger, column, func, select

from server.extensions import Instant, db

COUNTS = ("assessments_failing", "emails_waiting", "emails_undeliverable", "alerts_without_recipient")
SINCE = {"assessment_late_seconds": "assessment_due_since", "email_late_seconds": "email_waiting_since"}


def is_bound() -> bool:
    """Whether row-level security binds the role that we connect as: not the owner, nor one that bypasses it."""
    return bool(db.session.scalar(select(func.row_security_active("public.patient"))))


def health(now: datetime) -> dict[str, int]:
    """Counted by a function of the database's, which sees every clinic and tells of none."""
    columns = [column(name, BigInteger) for name in COUNTS] + [column(name, Instant) for name in SINCE.values()]
    found = db.session.execute(select(func.health_counts().table_valued(*columns))).mappings().one()
    return {name: found[name] for name in COUNTS} | {name: _late(found[since], now) for name, since in SINCE.items()}


def _late(since: datetime | None, now: datetime) -> int:
    return max(0, int((now - since).total_seconds())) if since else 0
