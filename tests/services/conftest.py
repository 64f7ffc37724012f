"""An alert email that waits to be sent."""

import uuid

import pytest

from server.extensions import db
from server.services.raising import raise_findings
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, finding


@pytest.fixture
def email_id(actors: Actors, clock: Clock) -> uuid.UUID:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    found: uuid.UUID = one("SELECT id FROM alert_email")
    return found
