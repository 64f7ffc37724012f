"""A clinician who is signed in to the pages, and an alert to look at."""

import re
import uuid

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Member
from server.services import identities, sign_ins
from server.services.raising import raise_findings
from server.web.guard import LASTING, cookie_for
from server.web.sessions import DEVICE
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, finding


def enter(client: FlaskClient, member: Member, clock: Clock) -> None:
    """The cookie that signing in gives (the password itself is tried in test_sessions)."""
    identity = identities.of_member(member)
    # In a session of its own, which works for that member's clinic.
    with current_app.app_context():
        given = sign_ins.begin(identity, DEVICE, LASTING, clock())
        db.session.commit()
    with client.session_transaction() as session:
        session.update(cookie_for(given))


def csrf_token(client: FlaskClient, url: str) -> str:
    page = client.get(url).get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


@pytest.fixture
def alert_id(actors: Actors, clock: Clock) -> uuid.UUID:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    found: uuid.UUID = one("SELECT id FROM alert")
    return found


@pytest.fixture
def bob(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> FlaskClient:
    enter(client, actors.bob, clock)
    return client
