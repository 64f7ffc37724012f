"""The table of jobs: name, period, and what the run that wins its period does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.jobs import assessing, deadman, delivering, escalating, reminding, upkeep, verifying


@dataclass(frozen=True, slots=True)
class Job:
    """`every` is None for those that follow the TICK_SECONDS setting. `run` enqueues and returns how many."""

    name: str
    every: timedelta | None
    run: Callable[[datetime], int]


JOBS = (
    Job("assess", None, assessing.enqueue_due),
    Job("deliver", None, delivering.enqueue_due),
    Job("escalate", None, escalating.enqueue_escalations),
    Job("digest", None, escalating.enqueue_digests),
    Job("remind", None, reminding.enqueue_due),
    Job("retry_stalled", timedelta(minutes=1), upkeep.enqueue_stalled),
    Job("ping_deadman", timedelta(minutes=1), deadman.enqueue_ping),
    Job("sum_up_tallies", timedelta(minutes=10), upkeep.sum_up_tallies),
    Job("forget_attempts", timedelta(hours=1), upkeep.forget_attempts),
    Job("tell_audit_heads", timedelta(days=1), upkeep.tell_audit_heads),
    Job("verify_standings", timedelta(days=1), verifying.enqueue_verifying),
    Job("forget_sign_ins", timedelta(days=1), upkeep.forget_sign_ins),
    Job("forget_old_runs", timedelta(days=1), upkeep.forget_old_runs),
)
