"""To whom an alert goes: the care team in order, deputies, who is on call; and when the next person hears."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest

from server.extensions import db
from server.models import Absence, Member, OnCall, Role
from server.services import routes
from server.services.care_teams import replace_care_team
from server.services.routes import is_quiet, next_step_at, route, routing_of
from server.trends import Severity
from tests.conftest import Clock
from tests.factories import Actors, make_member

# By the clinic's clock in New York: 16:00, and 22:00.
DAY, NIGHT = datetime(2026, 5, 4, 20, 0, tzinfo=UTC), datetime(2026, 5, 5, 2, 0, tzinfo=UTC)


@pytest.fixture
def team(actors: Actors, clock: Clock) -> dict[str, Member]:
    """Bob and Dan care for Ada, in this order; Eva and Fay work at the clinic, too."""
    others = {name: make_member(actors.clinic, Role.CLINICIAN, name, clock()) for name in ("Dan", "Eva", "Fay")}
    replace_care_team(actors.ada, [actors.bob.id, others["Dan"].id])
    db.session.commit()
    return {"Bob": actors.bob, **others}


def names(found: Sequence[Member]) -> list[str]:
    return [member.name for member in found]


def away(team: dict[str, Member], who: str, deputy: str | None, *, days: tuple[int, int] = (0, 0)) -> None:
    first, last = (DAY.date() + timedelta(days=on) for on in days)
    db.session.add(
        Absence(
            id=uuid.uuid4(), member_id=team[who].id, deputy_id=team[deputy].id if deputy else None,
            first_day=first, last_day=last, created_at=DAY, created_by=team[who].id,
        )
    )  # fmt: skip
    db.session.commit()


def on_call(team: dict[str, Member], who: str, *, hours: tuple[int, int] = (-1, 12)) -> None:
    begins, ends = (DAY + timedelta(hours=hour) for hour in hours)
    db.session.add(
        OnCall(id=uuid.uuid4(), member_id=team[who].id, begins_at=begins, ends_at=ends, created_at=DAY,
               created_by=team[who].id)
    )  # fmt: skip
    db.session.commit()


def test_the_care_team_in_its_order(actors: Actors, team: dict[str, Member]) -> None:
    assert names(route(actors.ada, Severity.PROMPT, DAY)) == ["Bob", "Dan"]


def test_a_deputy_stands_in_on_those_days_alone(actors: Actors, team: dict[str, Member]) -> None:
    away(team, "Bob", "Eva", days=(0, 1))
    assert names(route(actors.ada, Severity.PROMPT, DAY)) == ["Eva", "Dan"]
    assert names(route(actors.ada, Severity.PROMPT, DAY + timedelta(days=1))) == ["Eva", "Dan"]
    assert names(route(actors.ada, Severity.PROMPT, DAY + timedelta(days=2))) == ["Bob", "Dan"]
    assert names(route(actors.ada, Severity.PROMPT, DAY - timedelta(days=1))) == ["Bob", "Dan"]


def test_a_deputy_who_is_away_has_a_deputy(actors: Actors, team: dict[str, Member]) -> None:
    away(team, "Bob", "Eva")
    away(team, "Eva", "Fay")
    assert names(route(actors.ada, Severity.PROMPT, DAY)) == ["Fay", "Dan"]


def test_two_who_stand_in_for_each_other_go_round_in_no_circle(actors: Actors, team: dict[str, Member]) -> None:
    away(team, "Bob", "Eva")
    away(team, "Eva", "Bob")
    assert names(route(actors.ada, Severity.PROMPT, DAY)) == ["Dan", "Bob"]


def test_who_is_away_without_a_deputy_is_better_than_nobody(actors: Actors, team: dict[str, Member]) -> None:
    away(team, "Bob", None)
    assert names(route(actors.ada, Severity.PROMPT, DAY)) == ["Dan", "Bob"]
    away(team, "Dan", None)
    on_call(team, "Eva")
    assert names(route(actors.ada, Severity.PROMPT, DAY)) == ["Eva", "Bob", "Dan"]


@pytest.mark.parametrize(
    ("severity", "at", "expected"),
    [
        (Severity.URGENT, DAY, ["Bob", "Dan", "Eva"]),
        (Severity.URGENT, NIGHT, ["Eva", "Bob", "Dan"]),
        (Severity.PROMPT, NIGHT, ["Bob", "Dan", "Eva"]),
    ],
)
def test_who_is_on_call_is_first_for_the_urgent_outside_of_hours(
    actors: Actors, team: dict[str, Member], severity: Severity, at: datetime, expected: list[str]
) -> None:
    on_call(team, "Eva")
    assert names(route(actors.ada, severity, at)) == expected


def test_a_duty_has_a_beginning_and_an_end(actors: Actors, team: dict[str, Member]) -> None:
    on_call(team, "Eva", hours=(0, 1))
    for hours, there in ((-0.01, False), (0, True), (0.99, True), (1, False)):
        at = DAY + timedelta(hours=hours)
        assert ("Eva" in names(route(actors.ada, Severity.PROMPT, at))) is there


def test_each_is_there_once(actors: Actors, team: dict[str, Member]) -> None:
    away(team, "Bob", "Dan")
    on_call(team, "Dan")
    assert names(route(actors.ada, Severity.URGENT, DAY)) == ["Dan"]


@pytest.mark.parametrize("change", [{"active": False}, {"bounced_at": DAY, "bounce_status": "5.1.1"}])
def test_who_cannot_be_reached_is_not_counted_on(
    actors: Actors, team: dict[str, Member], change: dict[str, object]
) -> None:
    away(team, "Dan", "Eva")
    on_call(team, "Fay")
    for who in ("Bob", "Eva", "Fay"):
        for name, value in change.items():
            setattr(team[who], name, value)
    db.session.commit()
    assert names(route(actors.ada, Severity.PROMPT, DAY)) == ["Dan"]


@pytest.mark.parametrize(
    ("severity", "waits"),
    [
        (Severity.URGENT, timedelta(minutes=15)),
        (Severity.PROMPT, timedelta(hours=4)),
        # In two days at 16:00.
        (Severity.ROUTINE, timedelta(days=2)),
    ],
)
def test_each_severity_has_its_deadline(actors: Actors, severity: Severity, waits: timedelta) -> None:
    assert next_step_at(severity, actors.clinic, DAY) == DAY + waits


def test_a_routine_one_does_not_move_on_in_the_quiet_hours(actors: Actors) -> None:
    # Until 07:00 in New York.
    assert next_step_at(Severity.ROUTINE, actors.clinic, NIGHT) == datetime(2026, 5, 7, 11, 0, tzinfo=UTC)
    assert next_step_at(Severity.PROMPT, actors.clinic, NIGHT) == NIGHT + timedelta(hours=4)


@pytest.mark.parametrize(
    ("begins", "ends", "quiet"),
    [
        (time(15), time(17), True),
        (time(16), time(17), True),
        (time(15), time(16), False),
        (time(19), time(7), False),
        (time(15), time(7), True),
        (time(16), time(16), False),
    ],
)
def test_quiet_hours_may_pass_midnight(actors: Actors, begins: time, ends: time, quiet: bool) -> None:
    routing = routing_of(actors.clinic.id)
    routing.quiet_from, routing.quiet_until = begins, ends
    assert is_quiet(routing, actors.clinic.zone, DAY) is quiet


def test_the_digest_is_due_by_the_clinics_clock_whatever_it_does(actors: Actors) -> None:
    """Spring-forward in New York, 2026-03-08: 07:30 is an hour earlier in UTC."""
    routing = routing_of(actors.clinic.id)
    at, due = datetime(2026, 3, 7, 6, 0, tzinfo=UTC), []
    for _ in range(3):
        routes.plan_digest(routing, actors.clinic.zone, at)
        at = routing.digest_due_at
        due.append((at.day, at.hour, at.minute))
    assert due == [(7, 12, 30), (8, 11, 30), (9, 11, 30)]
