"""To whom a patient's alerts go, in order: the care team, who stands in for whoever is away, who is on call."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from server.clock import local_day, next_instant_of
from server.extensions import db
from server.models import Absence, Clinic, Member, OnCall, Patient, Role, Routing
from server.services.care_teams import care_team
from server.trends import Severity


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is there in a clinic at an instant, and who is not."""

    away: dict[uuid.UUID, list[Member]]
    on_call: Sequence[Member]
    routing: Routing  # held here, so that the session need not ask for it again
    quiet: bool

    def route(self, care_team: Sequence[Member], severity: str) -> list[Member]:
        """As `route`, for the patient of this care team."""
        places = [(member, _stand_in(member, self.away)) for member in care_team]
        team = [stand_in for _, stand_in in places if stand_in is not None]
        absent = [member for member, stand_in in places if stand_in is None]
        if severity == Severity.URGENT and self.quiet:
            return _reachable((*self.on_call, *team, *absent))
        return _reachable((*team, *self.on_call, *absent))

    def first_told(self, path: Sequence[Member], severity: str) -> list[Member]:
        """Of a route: whom a new alert is told at once. An urgent one is told to everybody on call, too."""
        first = list(path[:1])
        if severity == Severity.URGENT:
            on_call = {member.id for member in self.on_call}
            first += [member for member in path[1:] if member.id in on_call]
        return first


def duty_in(clinic: Clinic, now: datetime) -> Duty:
    routing = routing_of(clinic.id)
    return Duty(_away(clinic, now), on_call(now), routing, is_quiet(routing, clinic.zone, now))


def route(patient: Patient, severity: str, now: datetime) -> list[Member]:
    """Whom an alert of this severity is for, one after the other; all of them can be reached by mail.

    In the place of a clinician who is away stands the deputy; who is away without one comes last, for that is better
    than nobody. Outside of hours an urgent alert is first for whoever is on call.
    """
    return duty_in(patient.clinic, now).route(care_team(patient.id), severity)


def on_call(now: datetime) -> Sequence[Member]:
    """In the order in which their duty began."""
    found = select(OnCall).where(OnCall.begins_at <= now, OnCall.ends_at > now)
    return [duty.member for duty in db.session.scalars(found.order_by(OnCall.begins_at, OnCall.id))]


def routing_of(clinic_id: uuid.UUID) -> Routing:
    return db.session.get_one(Routing, clinic_id)


def deadline(severity: str, routing: Routing) -> timedelta:
    """For how long an alert waits to be acknowledged."""
    minutes = {
        Severity.URGENT: routing.urgent_minutes,
        Severity.PROMPT: routing.prompt_minutes,
        Severity.ROUTINE: routing.routine_minutes,
    }
    return timedelta(minutes=minutes[Severity(severity)])


def next_step_at(severity: str, clinic: Clinic, now: datetime) -> datetime:
    """When the next person is told unless somebody acknowledges it: of a routine alert not within the quiet hours."""
    routing = routing_of(clinic.id)
    at = now + deadline(severity, routing)
    if severity == Severity.ROUTINE and is_quiet(routing, clinic.zone, at):
        return next_instant_of(routing.quiet_until, clinic.zone, at)
    return at


def is_quiet(routing: Routing, zone: str, at: datetime) -> bool:
    """Whether the clinic's clock is within its quiet hours; equal ends: there are none."""
    wall = at.astimezone(ZoneInfo(zone)).time()
    begins, ends = routing.quiet_from, routing.quiet_until
    return begins <= wall < ends if begins <= ends else not ends <= wall < begins


def plan_digest(routing: Routing, zone: str, now: datetime) -> None:
    """The next instant of the clinic's time for it."""
    routing.digest_due_at = next_instant_of(routing.digest_at, zone, now)
    routing.digest_queued_at = None


def first_routing(clinic: Clinic, now: datetime) -> None:
    """What a new clinic begins with: the defaults."""
    routing = Routing(clinic_id=clinic.id, digest_at=time(7, 30))
    plan_digest(routing, clinic.zone, now)
    db.session.add(routing)


def is_reachable(member: Member) -> bool:
    return member.active and member.role is Role.CLINICIAN and member.bounced_at is None


def _away(clinic: Clinic, now: datetime) -> dict[uuid.UUID, list[Member]]:
    """Who is away on this day of the clinic's, each with the deputies named."""
    today = local_day(now, clinic.zone, clinic.day_starts_at)
    away: dict[uuid.UUID, list[Member]] = {}
    for absence in db.session.scalars(_on(today)):
        away.setdefault(absence.member_id, []).extend([absence.deputy] if absence.deputy else [])
    return away


def _on(day: date) -> Select[Absence]:
    return select(Absence).where(Absence.first_day <= day, Absence.last_day >= day).order_by(Absence.created_at)


def _stand_in(member: Member, away: dict[uuid.UUID, list[Member]]) -> Member | None:
    """The member who is there, or a deputy who is; a deputy's own deputy, too. None when all are away."""
    seen: set[uuid.UUID] = set()
    candidates = [member]
    while candidates:
        candidate = candidates.pop(0)
        if candidate.id in seen:
            continue
        seen.add(candidate.id)
        if candidate.id not in away and is_reachable(candidate):
            return candidate
        candidates += away.get(candidate.id, [])
    return None


def _reachable(members: Iterable[Member]) -> list[Member]:
    """Each once."""
    return list({member.id: member for member in members if is_reachable(member)}.values())
