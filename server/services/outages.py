"""Outages: when our own service was down, who noticed, and which days of a patient that makes unknown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from server.clock import noon
from server.errors import Conflict, Refused
from server.extensions import Instant, db
from server.models import JobRun, Outage, OutageSource
from server.services.replays import replay_all_from

Span = tuple[datetime, datetime]

# So long without a sign of life from us and patients may not have reached us. Ticks are an hour apart at most.
LONGEST_GAP = timedelta(hours=6)
# Nobody records more than this by hand at once: a slip in the year would hide every silence.
LONGEST_BY_HAND = timedelta(days=31)
# A day is unknown when we were down for a quarter of its waking hours, 08:00 to midnight by the patient's clock.
# People answer at an hour of their own, and that is a whole morning or evening; after less, the same day still has
# room, and the phone tries again by itself. Who sleeps misses nothing. The price of an unknown day is small: a
# silence is told a day later.
WAKES = time(8)
ENOUGH = timedelta(hours=4)
DAY = timedelta(days=1)
EARLIEST = date(1970, 1, 1)  # before it there were none, and further back no instant can be told


def notice_outages(at: datetime) -> None:
    """Records each stretch without a sign of life since the last tick, for the tick at `at`.

    Scheduler and web are processes apart. When the scheduler alone was down, check-ins came in all the same, and
    whoever sent none was silent; so a check-in that was received is a sign of life too. The reverse cannot be seen
    from here: that the web was down while the scheduler ticked is recorded by hand.
    """
    last = db.session.scalar(
        select(JobRun.started_at)
        .where(JobRun.job == "assess", JobRun.started_at < at)
        .order_by(JobRun.period.desc())
        .limit(1)
    )
    if last is None or at - last <= LONGEST_GAP:
        return
    for began_at, ended_at in pairwise([last, *_received(last, at), at]):
        if ended_at - began_at > LONGEST_GAP:
            _record(began_at, ended_at, OutageSource.SCHEDULER, at)


def record_outage(began_at: datetime, ended_at: datetime, now: datetime) -> bool:
    """Records one by hand; False when it is recorded already.

    Raises Refused for one that cannot be, Conflict when one with this beginning has another end.
    """
    if began_at >= ended_at:
        raise Refused("to", "An outage ends after it begins.")
    if ended_at > now:
        raise Refused("to", "Record an outage when it is over: this end is in the future.")
    if ended_at - began_at > LONGEST_BY_HAND:
        raise Refused("to", f"This is longer than {LONGEST_BY_HAND.days} days. If it is right, record it in parts.")
    if _record(began_at, ended_at, OutageSource.OPERATOR, now):
        return True
    if db.session.get_one(Outage, began_at).ended_at != ended_at:
        raise Conflict("An outage with this beginning and another end is recorded already.")
    return False


def list_outages() -> Sequence[Outage]:
    """Newest first."""
    return db.session.scalars(select(Outage).order_by(Outage.began_at.desc())).all()


def outage_days(since: Mapping[str, date]) -> dict[str, frozenset[date]]:
    """By zone, the local days that are unknown there, from the day that `since` has for it on."""
    if not since:
        return {}
    first = {zone: max(day, EARLIEST) for zone, day in since.items()}
    found = db.session.execute(
        select(Outage.began_at, Outage.ended_at)
        .where(Outage.ended_at > min(noon(day, zone) for zone, day in first.items()) - DAY)
        .order_by(Outage.began_at)
    )
    spans = [(began_at, ended_at) for began_at, ended_at in found]
    return {
        zone: frozenset(unknown for unknown in unknown_days(spans, zone) if unknown >= day)
        for zone, day in first.items()
    }


def unknown_days(outages: Iterable[Span], zone: str) -> frozenset[date]:
    """The local days of which these outages (by beginning; they may overlap) took enough waking hours."""
    info = ZoneInfo(zone)
    lost: dict[date, timedelta] = {}
    for began_at, ended_at in _joined(outages):
        day = began_at.astimezone(info).date()
        while day <= ended_at.astimezone(info).date():
            wakes = datetime.combine(day, WAKES, info).astimezone(UTC)
            sleeps = datetime.combine(day + DAY, time(), info).astimezone(UTC)
            awake = min(ended_at, sleeps) - max(began_at, wakes)
            lost[day] = lost.get(day, timedelta()) + max(awake, timedelta())
            day += DAY
    return frozenset(day for day, awake in lost.items() if awake >= ENOUGH)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """No instant twice, and in UTC: between two times of one zone Python counts the hours of the wall."""
    until = datetime.min.replace(tzinfo=UTC)
    for began_at, ended_at in spans:
        start, end = max(began_at.astimezone(UTC), until), ended_at.astimezone(UTC)
        if start < end:
            yield start, end
            until = end


def _received(after: datetime, before: datetime) -> Iterable[datetime]:
    """When check-ins came in, the first and the last of each hour, in time. A replay's come from no phone.

    A function of the database's tells it, for no query of ours sees every clinic.
    """
    return db.session.scalars(select(func.check_ins_received(after, before, type_=Instant()))).all()


def _record(began_at: datetime, ended_at: datetime, source: OutageSource, now: datetime) -> bool:
    """Whether it is news."""
    recorded = db.session.scalar(
        insert(Outage)
        .values(began_at=began_at, ended_at=ended_at, source=source, recorded_at=now)
        .on_conflict_do_nothing()
        .returning(Outage.began_at)
    )
    if recorded is None:
        return False
    # Somewhere west it was the day before.
    replay_all_from((began_at - DAY).date())
    return True
