"""The page that an admin's alarm links to."""

import re
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from tests.conftest import Clock
from tests.database import change
from tests.factories import Actors
from tests.web.conftest import enter

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def alice(app: Flask, actors: Actors, clock: Clock) -> FlaskClient:
    client = app.test_client()
    enter(client, actors.alice_admin, clock)
    return client


def test_it_says_what_to_mend_and_nothing_of_what_was_found(
    alice: FlaskClient, actors: Actors, clock: Clock, alert_id: uuid.UUID
) -> None:
    assert "Nothing to mend." in alice.get("/worklist").get_data(as_text=True)
    change("UPDATE member SET bounced_at = :at, bounce_status = '5.1.1', name = :name WHERE id = :id",
           at=clock(), name=SCRIPT, id=actors.bob.id)  # fmt: skip
    change("UPDATE alert_email SET state = 'bounced', sent_at = created_at, last_error = 'bounced 5.1.1'")
    db.session.expire_all()
    page = alice.get("/worklist").get_data(as_text=True)
    for heading in (
        "Nobody can be told of these",
        "Mail to these members comes back",
        "These emails were not delivered",
    ):
        assert heading in page
    assert page.count(f"Patient {actors.ada.code}") == 2
    assert "bounced 5.1.1" in page
    assert SCRIPT not in page
    assert re.search("[Cc]raving", page) is None


def test_the_way_to_it_survives_the_sign_in_and_is_shown_to_admins_alone(
    app: Flask, alice: FlaskClient, bob: FlaskClient
) -> None:
    asked = app.test_client().get("/worklist")
    assert asked.location == "/sign-in?next=/worklist"
    assert 'name="next" value="/worklist"' in app.test_client().get(asked.location).get_data(as_text=True)
    link = 'href="/worklist"'
    assert link in alice.get("/second-step").get_data(as_text=True)
    assert link not in bob.get("/alerts").get_data(as_text=True)
