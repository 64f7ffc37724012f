"""A phone that wants reminders, a push service in this process, and a worker that runs until nothing is left."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import Parts
from server.settings import Settings
from tests.conftest import Clock
from tests.factories import Actors, new_id, settings_for, signed_in
from tests.push_services import Browser, Service, listening


@pytest.fixture
def service(app: Flask, settings: Settings, clock: Clock) -> Iterator[Service]:
    """Both transports lead to it."""
    with listening(Service()) as service:
        theirs = settings_for(settings.database_url, settings.database_url, **service.settings())
        names = ("vapid_private_key", "vapid_subject", "fcm_credentials", "fcm_url", "push_services")
        here = replace(settings, **{name: getattr(theirs, name) for name in names})
        app.extensions["interlude"] = Parts(here, clock, lambda _: None)
        yield service


Phone = Callable[..., Browser]


@pytest.fixture
def phone(app: Flask, client: FlaskClient, actors: Actors, service: Service) -> Phone:
    """A browser that is signed in, of Ada's unless another's, and wants its reminders at 20:00."""

    def made(patient: object = None, at: str = "20:00") -> Browser:
        browser = Browser(f"{service.url}/to/{new_id()}")
        headers = signed_in(app, patient or actors.ada)  # type: ignore[arg-type]
        assert client.put("/v1/me/push", json=browser.body(), headers=headers).status_code == 200
        assert client.patch("/v1/me", json={"reminder_time": at}, headers=headers).status_code == 200
        return browser

    return made
