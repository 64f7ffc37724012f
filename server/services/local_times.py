"""When a report was made, by the phone's word: whether that can be, and which local day it belongs to."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from server.clock import wall_day
from server.errors import Refused
from server.services.clinics import check_zone

AHEAD = timedelta(minutes=5)
BACK = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """What follows from an instant with its offset, and a zone."""

    day: date
    offset_minutes: int
    offset_known: bool


def check_time(recorded_at: datetime, now: datetime) -> None:
    """Raises Refused."""
    if recorded_at > now + AHEAD:
        raise Refused("recorded_at", "This time is in the future: is the phone's clock right?")
    if recorded_at < now - BACK:
        raise Refused("recorded_at", "This time is more than %(days)d days back.", days=BACK.days)


def local_time(recorded_at: datetime, zone: str, day_starts_at: int) -> LocalTime:
    """Raises Refused for an unknown zone."""
    wall = _wall_time(recorded_at, check_zone(zone))
    offset = wall.utcoffset() or timedelta(0)
    return LocalTime(
        day=wall_day(wall, day_starts_at),
        offset_minutes=round(offset.total_seconds() / 60),
        offset_known=recorded_at.astimezone(ZoneInfo(zone)).utcoffset() == offset,
    )


def _wall_time(recorded_at: datetime, zone: str) -> datetime:
    """What the phone's clock showed.

    An offset that the zone does not have (an old zone table) is the phone's own truth; but Z, which is what many
    clients write for any instant, says nothing of the wall, and the zone does (RFC 9557, 2.2).
    """
    return recorded_at if recorded_at.utcoffset() else recorded_at.astimezone(ZoneInfo(zone))
