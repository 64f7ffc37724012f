"""What the attacks share."""

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage

import pytest
from flask import Flask

from server.extensions import Parts, db
from server.sealing import Keyring
from server.settings import Settings
from tests.attacks.forging import Pair
from tests.conftest import Clock
from tests.factories import Actors, tokens_of

Switch = Callable[[str], None]


@pytest.fixture
def switch(app: Flask, settings: Settings, clock: Clock, outbox: list[EmailMessage]) -> Switch:
    """To other DATA_KEYS."""

    def to(data_keys: str) -> None:
        db.session.rollback()
        keys = Keyring.parse(data_keys)
        app.extensions["interlude"] = Parts(replace(settings, data_keys=keys), clock, outbox.append)

    return to


@pytest.fixture
def pair(app: Flask, actors: Actors) -> Pair:
    """Bob's tokens."""
    return tokens_of(app, actors.bob)
