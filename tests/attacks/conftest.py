"""The process starts again with other keys."""

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage

import pytest
from flask import Flask

from server.extensions import Parts, db
from server.sealing import Keyring
from server.settings import Settings
from tests.conftest import Clock

Switch = Callable[[str], None]


@pytest.fixture
def switch(app: Flask, settings: Settings, clock: Clock, outbox: list[EmailMessage]) -> Switch:
    """To other DATA_KEYS."""

    def to(data_keys: str) -> None:
        db.session.rollback()
        keys = Keyring.parse(data_keys)
        app.extensions["interlude"] = Parts(replace(settings, data_keys=keys), clock, outbox.append)

    return to
