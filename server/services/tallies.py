"""What is counted as it happens, for /metrics: in the transaction that has done it, and so never lost nor twice.

Check-ins, and all that leaves the house, are counted by the database's own triggers (migrations 0023, 0026). A
replay's clinic, which mails nobody, counts nowhere.
"""

from collections import defaultdict
from datetime import timedelta
from typing import TypeAlias

from sqlalchemy import Double, String, delete, exists, func, insert, literal, select

from server.extensions import db
from server.models import Clinic, Tally
from server.scope import entered

ASSESSMENTS = "assessments"
ACKNOWLEDGED, ACKNOWLEDGED_SECONDS = "acknowledged", "acknowledged_seconds"
DONE, FAILED = "done", "failed"
STANDINGS = "standings"
RIGHT, WRONG = "right", "wrong"
# In how many minutes an alert was acknowledged at most: from what a call on duty takes to what a weekend takes.
WITHIN_MINUTES = (5, 15, 30, 60, 120, 240, 480, 1440, 4320)
LATER = "later"

# By name and label; of a name that was never counted, nothing.
Counts: TypeAlias = defaultdict[str, dict[str, float]]


def count(name: str, label: str, more: float = 1) -> None:
    """In the clinic that the session works for, if it is live."""
    live = exists().where(Clinic.id == entered(), Clinic.live)
    said = select(literal(name, String), literal(label, String), literal(more, Double)).where(live)
    db.session.execute(insert(Tally).from_select(["name", "label", "counted"], said))


def count_acknowledged(severity: str, after: timedelta) -> None:
    minutes = after / timedelta(minutes=1)
    bound = next((str(most) for most in WITHIN_MINUTES if minutes <= most), LATER)
    count(ACKNOWLEDGED, f"{severity} {bound}")
    count(ACKNOWLEDGED_SECONDS, severity, after.total_seconds())


def counts() -> Counts:
    """Of all clinics together."""
    found: Counts = defaultdict(dict)
    for name, label, counted in db.session.execute(
        select(Tally.name, Tally.label, func.sum(Tally.counted)).group_by(Tally.name, Tally.label)
    ):
        found[name][label] = counted
    return found


def sum_up() -> None:
    """One row for each count in place of many. Two at once: the second finds nothing left to sum up."""
    gone = delete(Tally).returning(Tally.name, Tally.label, Tally.counted).cte("gone")
    summed = select(gone.c.name, gone.c.label, func.sum(gone.c.counted)).group_by(gone.c.name, gone.c.label)
    db.session.execute(insert(Tally).from_select(["name", "label", "counted"], summed).add_cte(gone))
