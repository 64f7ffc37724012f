"""What is late or failing, for readyz, /metrics and the dead-man: counts and ages only, of all clinics together."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Double, column, func, select

from server.extensions import Instant, db, parts
from server.models import JobRun

COUNTS = ("assessments_failing", "emails_waiting", "emails_undeliverable", "alerts_without_recipient")
SINCE = {"assessment_late_seconds": "assessment_due_since", "email_late_seconds": "email_waiting_since"}
WAYS = {
    "escalation_late_seconds": "escalation_due_since",
    "digest_late_seconds": "digest_due_since",
    "member_mail_late_seconds": "member_mail_waiting_since",
    "call_late_seconds": "call_due_since",
}

# Beyond these, a person must look. Each is well above what a healthy service takes, so that an alarm is one, and well
# below what a patient can wait. Whatever begins with a tick has the time of one on top.
# A tick queues who is due, a job that was lost is found after two minutes, a large caseload's day closes in a few.
ASSESSMENT_LATE = timedelta(minutes=15)
# A mail goes within seconds. Refused for now, it is tried after half a minute, then 1, 2, 4 and 8: the fifth
# refusal is no hiccup of the mail server.
EMAIL_LATE = timedelta(minutes=15)
# A step takes one transaction, and who waits for it may be a patient at risk; a digest is read over breakfast.
ESCALATION_LATE = timedelta(minutes=5)
DIGEST_LATE = timedelta(minutes=30)
# A call that was refused is due later; one that is due and not made is late.
CALL_LATE = timedelta(minutes=15)
# No job takes longer than a lease of five minutes, and one whose worker died runs again within two.
QUEUE_LATE = timedelta(minutes=10)
# A scheduler that was started anew is back within seconds, a database that was, within half a minute.
SCHEDULER_LATE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Health:
    assessment_late_seconds: int
    """How long the oldest assessment that is due has been due."""
    assessments_failing: int
    emails_waiting: int
    email_late_seconds: int
    """How long the oldest alert email that is not sent has been there."""
    escalation_late_seconds: int
    """How long the oldest alert that is to go to the next person has been due."""
    digest_late_seconds: int
    member_mail_late_seconds: int
    """How long the oldest digest or alarm that is not sent has been there."""
    call_late_seconds: int
    """How long the oldest call to a webhook has been due."""
    emails_undeliverable: int
    alerts_without_recipient: int
    job_late_seconds: int
    """How long the oldest job that could be done, and is not a reminder, has been on the queue."""
    workers: int
    """How many gave a sign of life in the last minute."""
    scheduler_silent_seconds: int | None
    """How long ago the last tick was; None: there was none ever."""

    def late(self) -> list[str]:
        """What is beyond its limit."""
        tick = parts().settings.tick
        ages = {
            "assessment": (self.assessment_late_seconds, ASSESSMENT_LATE + tick),
            "email": (max(self.email_late_seconds, self.member_mail_late_seconds), EMAIL_LATE + tick),
            "escalation": (self.escalation_late_seconds, ESCALATION_LATE + tick),
            "digest": (self.digest_late_seconds, DIGEST_LATE + tick),
            "call": (self.call_late_seconds, CALL_LATE + tick),
            "queue": (self.job_late_seconds, QUEUE_LATE),
            "scheduler": (self.scheduler_silent_seconds, SCHEDULER_LATE + tick),
        }
        return [name for name, (age, limit) in ages.items() if age is None or age > limit.total_seconds()]


# All that can be late; /metrics tells of each.
LATE = ("assessment", "email", "escalation", "digest", "call", "queue", "scheduler")


def is_bound() -> bool:
    """Whether row-level security binds the role that we connect as: not the owner, nor one that bypasses it."""
    return bool(db.session.scalar(select(func.row_security_active("public.patient"))))


def health(now: datetime) -> Health:
    """Counted by functions of the database's, which see every clinic and tell of none."""
    columns = [column(name, BigInteger) for name in COUNTS] + [column(name, Instant) for name in SINCE.values()]
    found = db.session.execute(select(func.health_counts().table_valued(*columns))).mappings().one()
    instants = [column(name, Instant) for name in WAYS.values()]
    ways = db.session.execute(select(func.ways_waiting().table_valued(*instants))).mappings().one()
    queue = db.session.execute(
        select(func.queue_waiting().table_valued(column("late_seconds", Double), column("workers", BigInteger)))
    ).one()
    ticked = db.session.scalar(
        select(JobRun.started_at).where(JobRun.job == "assess").order_by(JobRun.period.desc()).limit(1)
    )
    return Health(
        **{name: found[name] for name in COUNTS},
        **{name: age(found[since], now) for name, since in SINCE.items()},
        **{name: age(ways[since], now) for name, since in WAYS.items()},
        job_late_seconds=max(0, int(queue.late_seconds)),
        workers=queue.workers,
        scheduler_silent_seconds=None if ticked is None else age(ticked, now),
    )


def age(since: datetime | None, now: datetime) -> int:
    """In seconds; 0 when nothing waits, or not yet."""
    return max(0, int((now - since).total_seconds())) if since else 0
