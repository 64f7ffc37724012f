"""Two phones of one patient, offline and online: whatever order their reports arrive in, the record ends the same.

The machine plays what happens: reports and edits are made, answers get lost, items are sent again, late, shuffled and
split over calls and both routes. At the end the same reports are put, each version in its causal order, for another
patient whose line is never down; record, findings and the alerts that stand must be alike.

A few short runs are in the suite; `make contract` plays many long ones.
"""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Patient
from server.services.limits import thresholds_by_day
from server.services.records import record_of
from server.trends import assess_dated
from tests.conftest import MONDAY, Clock
from tests.database import rows
from tests.factories import Actors, check_in_body, make_patient, signed_in, urge_body

RUNS = int(os.environ.get("CONTRACT_RUNS", "4"))
STEPS = int(os.environ.get("CONTRACT_STEPS", "20"))
# The last instant that any report is of; deliveries come up to here.
NOW = MONDAY + timedelta(days=31)
RECORD = """
    SELECT id, version, recorded_at, zone, day, counts, craving, mood, used, self_harm_thoughts, triggers
    FROM check_in WHERE patient_id = :patient ORDER BY id
"""
URGES = "SELECT id, version, recorded_at, day, craving, used FROM urge WHERE patient_id = :patient ORDER BY id"
EARLIER = (
    "SELECT id, version, recorded_at, craving, mood FROM check_in_version WHERE patient_id = :patient ORDER BY 1, 2"
)
ALERTS = """
    SELECT rule, severity, day, last_day, sentence, basis, figures, thresholds FROM alert
    WHERE patient_id = :patient AND state = 'open' AND superseded_at IS NULL AND rule <> 'safety_concern' ORDER BY rule
"""
# A yes is an answer and no trend: that somebody was told, not on which day, is what must not depend on the order.
SAFETY = "SELECT severity, state FROM alert WHERE patient_id = :patient AND rule = 'safety_concern'"


@dataclass(slots=True)
class Version:
    """What one report says, and the tag of what it edits."""

    kind: str
    id: str
    content: dict[str, Any]
    number: int

    @property
    def if_match(self) -> str | None:
        return f'"{self.number - 1}-{self.id.replace("-", "")}"' if self.number > 1 else None

    def item(self) -> dict[str, Any]:
        tag = {"if_match": self.if_match} if self.if_match else {}
        return {"kind": self.kind, "id": self.id, "content": self.content, **tag}


@dataclass(slots=True)
class Phone:
    """What it has made and not heard of yet, and what it has sent before."""

    waiting: list[Version] = field(default_factory=list)
    sent: list[Version] = field(default_factory=list)
    cursor: str | None = None


@dataclass(slots=True)
class Place:
    """Where the machine plays: a test's fixtures."""

    app: Flask
    client: FlaskClient
    actors: Actors
    clock: Clock


days = st.integers(0, 30)
ratings = st.integers(0, 10)
answers = st.sampled_from([None, None, "no", "yes"])
phones = st.integers(0, 1)


class TwoPhones(RuleBasedStateMachine):
    place: Place

    @initialize()
    def begin(self) -> None:
        self.place.clock.at = NOW
        self.ada = make_patient(self.place.actors.bob, MONDAY - timedelta(days=1))
        self.headers = signed_in(self.place.app, self.ada)
        self.phones = (Phone(), Phone())
        self.versions: dict[str, list[Version]] = {}
        self.news = True

    @rule(phone=phones, day=days, hour=st.integers(0, 6), craving=ratings, mood=ratings, harm=answers)
    def check_in(self, phone: int, day: int, hour: int, craving: int, mood: int, harm: str | None) -> None:
        at = min(MONDAY + timedelta(days=day, hours=hour), NOW)
        said = check_in_body(at, craving=craving, mood=mood, self_harm_thoughts=harm)
        self._make(phone, Version("check_in", str(uuid.uuid4()), said, 1))

    @rule(phone=phones, day=days, craving=ratings)
    def urge(self, phone: int, day: int, craving: int) -> None:
        said = urge_body(MONDAY + timedelta(days=day), craving=craving)
        self._make(phone, Version("urge", str(uuid.uuid4()), said, 1))

    @rule(phone=phones, which=st.integers(0, 99), craving=ratings, day=days, moves=st.booleans())
    def edit(self, phone: int, which: int, craving: int, day: int, moves: bool) -> None:
        """Of the version in force, which this phone has heard of: edits follow each other."""
        known = [made for made in self.versions.values() if self._arrived(made[-1])]
        if not known:
            return
        before = known[which % len(known)][-1]
        at = MONDAY + timedelta(days=day) if moves else datetime.fromisoformat(before.content["recorded_at"])
        said = before.content | {"craving": craving, "recorded_at": at.isoformat()}
        if said != before.content:
            self._make(phone, Version(before.kind, before.id, said, before.number + 1))

    @rule(phone=phones, order=st.randoms(use_true_random=False), lost=st.booleans(), parts=st.integers(1, 3))
    def sync(self, phone: int, order: Any, lost: bool, parts: int) -> None:
        """All that waits and some that was sent before, shuffled, in so many calls."""
        which = self.phones[phone]
        again = order.sample(which.sent, min(3, len(which.sent)))
        batch = [*which.waiting, *again, *which.waiting[:1]]
        order.shuffle(batch)
        for part in range(parts):
            self._send(which, batch[part::parts], lost=lost)
        which.sent += which.waiting
        if not lost:
            which.waiting = []

    @rule(phone=phones, which=st.integers(0, 99))
    def put_one(self, phone: int, which: int) -> None:
        known = [*self.phones[phone].waiting, *self.phones[phone].sent]
        if known:
            self._put(self.ada, self.headers, known[which % len(known)])

    @rule()
    def look(self) -> None:
        """Nothing new is nothing to see."""
        if self.news:
            self._look(self.ada)
            self.news = False

    def teardown(self) -> None:
        if not hasattr(self, "ada"):
            return
        for phone in self.phones:
            self._send(phone, phone.waiting, lost=False)
        self._look(self.ada)
        orderly = make_patient(self.place.actors.bob, MONDAY - timedelta(days=1))
        headers = signed_in(self.place.app, orderly)
        made = sorted((one for versions in self.versions.values() for one in versions), key=lambda one: one.number)
        for version in sorted(made, key=lambda one: (one.number, one.content["recorded_at"], one.id)):
            assert self._put(orderly, headers, version) == (201 if version.number == 1 else 200), version
        self._look(orderly)
        assert self._ends(self.ada) == self._ends(orderly)
        self._check_cursors()
        db.session.rollback()

    def _make(self, phone: int, version: Version) -> None:
        self.versions.setdefault(version.id, []).append(version)
        self.phones[phone].waiting.append(version)

    def _arrived(self, version: Version) -> bool:
        table = "check_in" if version.kind == "check_in" else "urge"
        found = rows(f"SELECT version FROM {table} WHERE patient_id = :ada AND id = :id",  # noqa: S608
                     ada=self.ada.id, id=version.id)  # fmt: skip
        return found == [(version.number,)]

    def _send(self, phone: Phone, batch: Sequence[Version], *, lost: bool) -> None:
        self.news = True
        for at in range(0, max(len(batch), 1), 100):
            items = [version.item() for version in batch[at : at + 100]]
            said = {"items": items, "cursor": phone.cursor}
            answer = self.place.client.post("/v1/sync", json=said, headers=self.headers)
            assert answer.status_code == 200, answer.get_json()
            for result in answer.get_json()["results"]:
                # An old version that comes again is told that it is old, and changes nothing.
                assert result["result"] != "refused" or result["problem"]["status"] in (412, 428), result
            if not lost:
                phone.cursor = answer.get_json()["cursor"]

    def _put(self, patient: Patient, headers: dict[str, str], version: Version) -> int:
        self.news = True
        tag = {"If-Match": version.if_match} if version.if_match else {}
        path = "check-ins" if version.kind == "check_in" else "urges"
        answer = self.place.client.put(f"/v1/{path}/{version.id}", json=version.content, headers=headers | tag)
        assert answer.status_code in (200, 201, 412, 428), answer.get_json()
        return answer.status_code

    def _look(self, patient: Patient) -> None:
        """Once for what came, and once when the day is over."""
        self.place.clock.pass_by(seconds=1)
        assess_all([patient.id], self.place.clock())
        with self._later():
            assess_all([patient.id], self.place.clock())

    @contextmanager
    def _later(self) -> Iterator[None]:
        at = self.place.clock.at
        self.place.clock.at = at + timedelta(hours=30)
        yield
        self.place.clock.at = at

    def _ends(self, patient: Patient) -> tuple[Any, ...]:
        db.session.rollback()
        asked = {"patient": patient.id}
        fresh = db.session.get_one(Patient, patient.id, populate_existing=True)
        findings = assess_dated(record_of(fresh, NOW + timedelta(days=1)), thresholds_by_day(fresh.clinic))
        return (
            *(rows(asks, **asked) for asks in (RECORD, URGES, EARLIER, ALERTS)),
            {tuple(row) for row in rows(SAFETY, **asked)},
            findings,
        )

    def _check_cursors(self) -> None:
        """A phone that asks from the beginning hears of everything once."""
        answer = self.place.client.post("/v1/sync", json={"items": []}, headers=self.headers).get_json()
        heard = answer["changes"]["check_ins"] + answer["changes"]["urges"]
        assert sorted(item["id"] for item in heard) == sorted(self.versions)


@pytest.fixture
def place(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> Place:
    return Place(app, client, actors, clock)


def test_what_two_phones_report_ends_the_same_in_whatever_order(place: Place) -> None:
    TwoPhones.place = place
    run_state_machine_as_test(
        TwoPhones,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            # A failing run is printed as it is: to shrink it takes minutes, each step asking the database.
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
