"""All that /metrics tells of the database: whichever process is asked, on whichever machine, it is the same."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, column, func, select

from server.extensions import Instant, db
from server.queue import count_jobs
from server.services import tallies
from server.services.health import Health, age, health
from server.trends import Severity


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, ages and sums. Nothing in it is anybody's, nor any clinic's."""

    counts: tallies.Counts
    health: Health
    unacknowledged: dict[str, tuple[int, int]]
    """By severity: how many alerts nobody has acknowledged, and for how many seconds the oldest waits."""
    jobs: dict[tuple[str, str], int]
    """By name and state: how many are on the queue."""


def figures(now: datetime) -> Figures:
    return Figures(tallies.counts(), health(now), _unacknowledged(now), count_jobs(db.session))


def _unacknowledged(now: datetime) -> dict[str, tuple[int, int]]:
    columns = [each for name in Severity for each in (column(name, BigInteger), column(f"{name}_since", Instant))]
    found = db.session.execute(select(func.alerts_waiting().table_valued(*columns))).mappings().one()
    return {name: (found[name], age(found[f"{name}_since"], now)) for name in Severity}
