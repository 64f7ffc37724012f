"""A patient who travels, any way, over the date line and through turns of the clock: each own day is closed once.

What the patient's clock showed is counted here a quarter of an hour at a time, and what the service makes of the
patient's days must agree: which is today, which are over, which were cut short, how long the streak is, and that
nobody was silent on a day that hardly was. A few journeys are in the suite; `make contract` makes many.
"""

import os
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.clock import local_day
from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient, Watch
from server.services import check_ins, identities, patients, profiles
from server.services.limits import thresholds_of
from server.services.own_days import days_of
from server.services.records import record_of
from server.services.today import today
from server.trends import assess
from tests.conftest import Clock
from tests.database import rows
from tests.factories import Actors, check_in_body, make_patient
from tests.trends.standings import stand

RUNS = int(os.environ.get("CONTRACT_RUNS", "6"))
STEP = timedelta(minutes=15)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JOURNEY = 16  # days
TURNS = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2021, 4, 4)),
    ("Pacific/Apia", date(2020, 9, 27)),
]
# On both sides of the date line, as far apart as can be, and in between.
ZONES = [
    *("Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Apia", "Pacific/Honolulu", "Pacific/Auckland"),
    *("America/New_York", "America/Santiago", "Australia/Lord_Howe", "Europe/London", "Asia/Tokyo"),
]


@dataclass(frozen=True, slots=True)
class Move:
    after: int
    """Hours."""
    zone: str
    by_clinic: bool


moves = st.builds(Move, st.integers(0, 120), st.sampled_from(ZONES), st.booleans())


@dataclass(slots=True)
class Traveller:
    """Lives an hour at a time, and keeps count of what the own clock shows."""

    actors: Actors
    clock: Clock
    patient: Patient
    zone: str
    awake: Counter[date] = field(default_factory=Counter)
    reported: set[date] = field(default_factory=set)
    closed: list[date] = field(default_factory=list)
    zones: list[tuple[str, str]] = field(default_factory=list)
    first: date = field(init=False)

    def __post_init__(self) -> None:
        """The day of the enrolment began before it."""
        self.first = self.day
        wall = self.clock().astimezone(ZoneInfo(self.zone))
        so_far = wall.hour * 4 + wall.minute // 15 - 32
        self.awake[self.first] += max(so_far, 0) if wall.date() == self.first else 64

    @property
    def day(self) -> date:
        return local_day(self.clock(), self.zone, 4)

    def move(self, to: str, *, by_clinic: bool) -> None:
        if by_clinic:
            by = identities.of_member(self.actors.bob)
            patients.change_patient(by, self.patient.id, {"zone": to}, self.clock())
        else:
            profiles.change_own(identities.of_patient(self.patient), {"zone": to}, self.clock())
        db.session.commit()
        if to != self.zone:
            self.zones.append((to, "clinic" if by_clinic else "patient"))
        self.zone = to

    def live_an_hour(self, *, reports_after: int | None) -> None:
        """And report once the day has had so many waking hours."""
        for quarter in range(4):
            wall = (self.clock() + quarter * STEP).astimezone(ZoneInfo(self.zone))
            self.awake[wall.date()] += wall.hour >= 8
        if reports_after is not None and self.day not in self.reported and self.awake[self.day] >= 4 * reports_after:
            at, self.reported = self.clock(), self.reported | {self.day}
            said = check_in_body(at, zone=self.zone) | {"recorded_at": at}
            stored = check_ins.put_check_in(self.patient.id, uuid.uuid4(), said, at)
            assert stored.row["day"] == self.day
            db.session.commit()
        self._tick(self.clock() + HOUR)

    def _tick(self, until: datetime) -> None:
        """The looks that fall due, each at its moment."""
        while (due := self._due()) <= until:
            self.clock.at = max(due, self.clock.at)
            self._look()
        self.clock.at = until

    def _due(self) -> datetime:
        due_at = self._watch().due_at
        assert due_at is not None
        return due_at

    def _watch(self) -> Watch:
        return db.session.get_one(Watch, self.patient.id, populate_existing=True)

    def _look(self) -> None:
        before, open_day = self.closed[-1:], self.day
        assess_all([self.patient.id], self.clock())
        db.session.refresh(self.patient)
        over = self._watch().through
        assert over == days_of(self.patient, self.clock()).over
        if before != [over]:
            assert over < open_day
            first = before[0] + DAY if before else over
            # None twice, none left out.
            assert first <= over
            self.closed += [first + index * DAY for index in range((over - first).days + 1)]

    def cut_short(self) -> set[date]:
        """Of the days that are over: those that left 12 of 16 waking hours, or fewer."""
        return {day for day in self.closed if self.awake[day] <= 48 and day >= self.first}

    def streak(self) -> int:
        days = sorted(self.reported | {day for day in self.awake if self.awake[day] > 48 and day < self.day})
        streak = 0
        while days and (days[-1] in self.reported or days[-1] >= self.day):
            streak += days.pop() in self.reported
        return streak


@given(
    turn=st.sampled_from(TURNS),
    start=st.integers(0, 10 * 24),
    journey=st.lists(moves, max_size=6),
    reports_after=st.integers(1, 12),
    speaks=st.integers(0, JOURNEY) | st.just(JOURNEY),
)
@settings(
    max_examples=RUNS,
    deadline=None,
    database=None,
    phases=(Phase.generate,),  # to shrink a journey takes minutes
    suppress_health_check=list(HealthCheck),
)
def test_own_days_are_what_the_own_clock_showed(
    actors: Actors,
    clock: Clock,
    turn: tuple[str, date],
    start: int,
    journey: list[Move],
    reports_after: int,
    speaks: int,
) -> None:
    zone, around = turn
    clock.at = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(hours=start)
    begin = clock()
    ada = Traveller(actors, clock, make_patient(actors.bob, clock(), zone=zone), zone)
    plan = list(journey)
    at = begin + timedelta(hours=plan[0].after) if plan else None
    while clock() < begin + JOURNEY * DAY:
        while at is not None and clock() >= at:
            move = plan.pop(0)
            ada.move(move.zone, by_clinic=move.by_clinic)
            at = clock() + timedelta(hours=plan[0].after) if plan else None
        ada.live_an_hour(reports_after=reports_after if clock() < begin + speaks * DAY else None)
    assert_agrees(ada)


def assert_agrees(ada: Traveller) -> None:
    at, patient = ada.clock(), ada.patient
    shown = today(patient.id, at)
    assert (shown["day"], shown["streak"]) == (ada.day, ada.streak())
    record = record_of(patient, at)
    assert record.cut_short == ada.cut_short()
    kept = rows("SELECT standing FROM watch WHERE patient_id = :id", id=patient.id)
    assert kept == [(stand([record], thresholds_of(patient.clinic_id)).packed(),)]
    silences = [one for one in assess(record, thresholds_of(patient.clinic_id)) if one.rule == "gone_silent"]
    assert not any(set(one.basis) & ada.cut_short() for one in silences)
    told = rows("SELECT zone, told_by FROM zone_change WHERE patient_id = :id ORDER BY number", id=patient.id)
    assert [tuple(line) for line in told[2:]] == ada.zones
