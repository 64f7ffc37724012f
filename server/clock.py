"""The only reader of the system clock, and what a local day is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WAKES = time(8)


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
    """The instant at which local `day` is over for good, also where the clock skips that hour or shows it twice."""
    wall = datetime.combine(day + timedelta(days=1), time(day_starts_at), ZoneInfo(zone))
    early, late = sorted(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    second = timedelta(seconds=1)
    if early == late or local_day(late - second, zone, day_starts_at) <= day:
        return late
    if local_day(early, zone, day_starts_at) > day:
        return early
    # The hour is within a gap: the day is over when the clock jumps.
    while late - early > second:
        middle = early + (late - early) // second // 2 * second
        early, late = (early, middle) if local_day(middle, zone, day_starts_at) > day else (middle, late)
    return late


def last_day_over(instant: datetime, zone: str, day_starts_at: int) -> date:
    """The last local day that is over for good."""
    day = local_day(instant, zone, day_starts_at) - timedelta(days=1)
    return day if day_end(day, zone, day_starts_at) <= instant else day - timedelta(days=1)


def waking_hours(day: date, zone: str) -> tuple[datetime, datetime]:
    """From 08:00 to midnight. Where the zone skips the day the end is not after the beginning."""
    info = ZoneInfo(zone)
    wakes, sleeps = datetime.combine(day, WAKES, info), datetime.combine(day + timedelta(days=1), time(), info)
    return wakes.astimezone(UTC), sleeps.astimezone(UTC)


def noon(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)


def next_instant_of(wall: time, zone: str, after: datetime) -> datetime:
    """When the wall clock in the zone shows this time next, once a date.

    A time that the clock skips is taken to be when it jumps, one that it shows twice is the first of them. A date that
    it skips whole has none.
    """
    first = after.astimezone(ZoneInfo(zone)).date()
    found = (_first_at(datetime.combine(first + timedelta(days=on), wall, ZoneInfo(zone))) for on in range(4))
    return next(instant for instant in found if instant is not None and instant > after)


def _first_at(wall: datetime) -> datetime | None:
    """The first instant of its date at which the clock shows this time or a later one."""
    late = wall.replace(fold=0).astimezone(UTC)
    if _shows(late, wall) == wall.replace(tzinfo=None):
        return late
    early, second = wall.replace(fold=1).astimezone(UTC), timedelta(seconds=1)
    while late - early > second:
        middle = early + (late - early) // second // 2 * second
        early, late = (early, middle) if _shows(middle, wall) >= wall.replace(tzinfo=None) else (middle, late)
    return late if _shows(late, wall).date() == wall.date() else None


def _shows(instant: datetime, wall: datetime) -> datetime:
    return instant.astimezone(wall.tzinfo).replace(tzinfo=None)
