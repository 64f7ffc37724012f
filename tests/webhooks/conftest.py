"""A clinic's endpoint in this process, settings that know its host, and what is sent to it."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from server.settings import Settings
from server.webhooks import Webhook, WebhookMessage, new_secret
from tests.factories import settings_for
from tests.push_services import Service, listening

RAISED = datetime(2026, 5, 4, 20, 0, tzinfo=UTC)
MESSAGE = WebhookMessage(
    uuid.UUID(int=7), "alert.raised", "urgent", RAISED, f"https://interlude.example/alerts/{uuid.UUID(int=9)}"
)
SECRET = new_secret()


@pytest.fixture
def endpoint() -> Iterator[Service]:
    with listening(Service()) as endpoint:
        yield endpoint


def knowing(hosts: str) -> Settings:
    nowhere = "postgresql://nobody@127.0.0.1/nothing"
    return settings_for(nowhere, nowhere, WEBHOOK_HOSTS=hosts)


def webhook_of(endpoint: Service, secret: str = SECRET) -> Webhook:
    return Webhook(f"{endpoint.url}/hooks/interlude?of=clinic-7", secret)


def settings_of(endpoint: Service) -> Settings:
    return knowing(endpoint.url.partition("//")[2])
