"""Outages: when our own service was down, who noticed, and which days of a patient that makes unknown."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from server.clock import waking_hours
from server.errors import Conflict, Refused
from server.extensions import Instant, db
from server.models import JobRun, Outage, OutageSource
from server.services.own_days import ENOUGH, Stretch, each_stretch
from server.services.replays import change_for_all, replay_all_from
from server.services.zones import stretches_of

Span = tuple[datetime, datetime]

# So long without a sign of life from us and patients may not have reached us. Ticks are an hour apart at most.
LONGEST_GAP = timedelta(hours=6)
# Nobody records more than this by hand at once: a slip in the year would hide every silence.
LONGEST_BY_HAND = timedelta(days=31)
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


def outage_days(ids: Sequence[uuid.UUID], since: Sequence[date | None]) -> Iterator[tuple[int, date]]:
    """The local days of these patients that are unknown, by where each was then: (place, day).

    From the day on that `since` has for each; none where it has None.
    """
    asked = [day for day in since if day is not None]
    spans = _outages_since(max(min(asked), EARLIEST)) if asked else []
    stretches = stretches_of(ids) if spans else {}
    unknown = {alike: unknown_days(spans, alike) for alike in set(stretches.values())}
    for place, first in enumerate(since if spans else ()):
        if first is not None:
            yield from ((place, day) for day in unknown[stretches[ids[place]]] if day >= first)


def _outages_since(day: date) -> Sequence[Span]:
    """By their beginning, all that may have touched this local day or a later one, anywhere."""
    found = db.session.execute(
        select(Outage.began_at, Outage.ended_at)
        .where(Outage.ended_at > datetime.combine(day - DAY, time(), UTC))
        .order_by(Outage.began_at)
    )
    return [(began_at, ended_at) for began_at, ended_at in found]


def unknown_days(outages: Iterable[Span], stretches: Sequence[Stretch]) -> frozenset[date]:
    """The local days of which these outages (by beginning; they may overlap) took enough waking hours.

    Of somebody who was in these zones: a day is judged by where they were on it, not where they are now.
    """
    lost: dict[date, timedelta] = {}
    for began_at, ended_at in _joined(outages):
        for zone, begin, end in each_stretch(stretches):
            for day, awake in _awake(max(began_at, begin), min(ended_at, end), zone):
                lost[day] = lost.get(day, timedelta()) + awake
    return frozenset(day for day, awake in lost.items() if awake >= ENOUGH)


def _awake(began_at: datetime, ended_at: datetime, zone: str) -> Iterator[tuple[date, timedelta]]:
    """The days from the one instant to the other, and how much of each one's waking hours lies between."""
    if began_at < ended_at:
        day, last = (instant.astimezone(ZoneInfo(zone)).date() for instant in (began_at, ended_at))
        while day <= last:
            wakes, sleeps = waking_hours(day, zone)
            yield day, max(min(ended_at, sleeps) - max(began_at, wakes), timedelta())
            day += DAY


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
    change_for_all()  # before the row: two who record the same ones may each come first with one of them
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
