"""The only reader of the system clock, and what a local day is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def utcnow() -> datetime:
    return datetime.now(UTC)


def wall_day(wall: datetime, day_starts_at: int) -> date:
    """The local day of a wall-clock time: a day runs from `day_starts_at` o'clock to the same hour of the next.

    The hours come off the WALL time. Taken off the instant they give the wrong day after spring-forward.
    """
    return (wall.replace(tzinfo=None) - timedelta(hours=day_starts_at)).date()


def local_day(instant: datetime, zone: str, day_starts_at: int) -> date:
    return wall_day(instant.astimezone(ZoneInfo(zone)), day_starts_at)


def day_end(day: date, zone: str, day_starts_at: int) -> datetime:
    """The instant at which local `day` is over: never before, also where that hour comes twice (fold=1)."""
    wall = datetime.combine(day + timedelta(days=1), time(day_starts_at), ZoneInfo(zone))
    return wall.replace(fold=1).astimezone(UTC)


def noon(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)
