"""An alert email that waits to be sent; a second patient, with a few days to look at."""

import uuid

import pytest

from server.extensions import db
from server.models import Patient
from server.services.raising import raise_findings
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, finding, make_patient
from tests.services.test_standings import live


@pytest.fixture
def email_id(actors: Actors, clock: Clock) -> uuid.UUID:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    found: uuid.UUID = one("SELECT id FROM alert_email")
    return found


@pytest.fixture
def eve(actors: Actors, clock: Clock) -> Patient:
    """She and Ada have a few days behind them, and today is over."""
    eve = make_patient(actors.bob, clock())
    began = clock()
    live(eve, clock, (3, 4, 3))
    clock.at = began
    live(actors.ada, clock, (3, 4, 3))
    clock.pass_by(days=1)
    return eve
