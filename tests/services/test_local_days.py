"""Each local day of a patient is closed once, whatever the clocks do; today and the streak go by the patient's days."""

import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from server.clock import day_end
from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient
from server.services import check_ins, identities, profiles
from server.services.records import record_of
from server.services.today import today
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, check_in_body, make_patient

SPRING_AND_AUTUMN = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    # At midnight, which is then skipped or comes twice.
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    # By half an hour.
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2021, 4, 4)),
    # 30 December was skipped: what is left of it are the hours until 04:00 on the 31st.
    ("Pacific/Apia", date(2011, 12, 30)),
]


def closed_days(patient: Patient, clock: Clock, until: date) -> list[date]:
    """Looks whenever the patient is due, until this day is over; the day that each look closed."""
    closed: list[date] = []
    while True:
        due_at = one("SELECT due_at FROM watch WHERE patient_id = :id", id=patient.id)
        clock.at = due_at
        assess_all([patient.id], clock())
        through = one("SELECT through FROM watch WHERE patient_id = :id", id=patient.id)
        closed.append(through)
        if through >= until:
            return closed


@pytest.mark.parametrize(("zone", "turn"), SPRING_AND_AUTUMN)
def test_each_local_day_is_closed_once_around_a_turn_of_the_clock(
    actors: Actors, clock: Clock, zone: str, turn: date
) -> None:
    clock.at = datetime(turn.year, turn.month, turn.day, 12, tzinfo=UTC) - timedelta(days=4)
    patient = make_patient(actors.bob, clock(), zone=zone)
    closed = closed_days(patient, clock, turn + timedelta(days=2))
    assert closed == [closed[0] + timedelta(days=step) for step in range(len(closed))]
    assert closed[0] < turn - timedelta(days=1)
    assert clock() == day_end(closed[-1], zone, 4)


@pytest.mark.parametrize(
    ("there", "back", "first", "days", "cut_short"),
    [
        # To the west the 6th, closed already, is lived again: a look at its end closes nothing.
        ("Pacific/Kiritimati", "Pacific/Pago_Pago", 5, [5, 6, 6, 7, 8, 9, 10], []),
        # To the east half of the 6th was lived, and half of the 7th: one look closes both.
        ("Pacific/Pago_Pago", "Pacific/Kiritimati", 4, [4, 5, 7, 8, 9, 10], [6, 7]),
    ],
)
def test_whoever_crosses_the_date_line_closes_each_day_once(
    actors: Actors, clock: Clock, there: str, back: str, first: int, days: list[int], cut_short: list[int]
) -> None:
    patient = make_patient(actors.bob, clock(), zone=there)
    closed = closed_days(patient, clock, date(2026, 5, first + 1))
    clock.pass_by(hours=9)
    profiles.change_own(identities.of_patient(patient), {"zone": back}, clock())
    db.session.commit()
    closed += closed_days(patient, clock, date(2026, 5, 10))
    assert [day.day for day in closed] == days
    assert [day.day for day in patient.days_cut_short] == cut_short


@pytest.mark.parametrize(("zone", "turn"), SPRING_AND_AUTUMN)
def test_a_streak_goes_through_a_turn_of_the_clock(actors: Actors, clock: Clock, zone: str, turn: date) -> None:
    clock.at = datetime(turn.year, turn.month, turn.day, tzinfo=UTC) - timedelta(days=6)
    patient = make_patient(actors.bob, clock(), zone=zone)
    first = today(patient.id, clock())["day"]
    for step in range(8):
        # An hour before each day of the patient's is over.
        clock.at = day_end(first + timedelta(days=step), zone, 4) - timedelta(hours=1)
        said = check_in_body(clock(), zone=zone) | {"recorded_at": clock()}
        stored = check_ins.put_check_in(patient.id, uuid.uuid4(), said, clock())
        db.session.commit()
        assert stored.row["day"] == first + timedelta(days=step)
        found = today(patient.id, clock())
        assert (found["day"], found["streak"], found["check_in"]) == (stored.row["day"], step + 1, "done")


def test_a_streak_goes_over_the_day_that_a_zone_skipped(actors: Actors, clock: Clock) -> None:
    """Who reports in the evening could not on 30 December 2011 in Apia, and was not silent."""
    zone = "Pacific/Apia"
    clock.at = datetime(2011, 12, 25, 20, tzinfo=ZoneInfo(zone))
    patient = make_patient(actors.bob, clock(), zone=zone)
    for day in (25, 26, 27, 28, 29, 31):
        clock.at = datetime(2011, 12, day, 20, tzinfo=ZoneInfo(zone))
        said = check_in_body(clock(), zone=zone) | {"recorded_at": clock()}
        check_ins.put_check_in(patient.id, uuid.uuid4(), said, clock())
        db.session.commit()
    assert today(patient.id, clock())["streak"] == 6
    assert record_of(patient, clock()).cut_short == {date(2011, 12, 30)}


def test_a_streak_is_no_shorter_after_a_flight_west(actors: Actors, clock: Clock) -> None:
    patient = make_patient(actors.bob, clock(), zone="Pacific/Auckland")
    for _ in range(3):
        said = check_in_body(clock(), zone="Pacific/Auckland") | {"recorded_at": clock()}
        check_ins.put_check_in(patient.id, uuid.uuid4(), said, clock())
        db.session.commit()
        clock.pass_by(days=1)
    clock.pass_by(hours=-23)
    before = today(patient.id, clock())
    profiles.change_own(identities.of_patient(patient), {"zone": "America/Los_Angeles"}, clock())
    db.session.commit()
    after = today(patient.id, clock())
    assert (before["day"] - after["day"]).days == 1
    assert before["streak"] == after["streak"] == 3
