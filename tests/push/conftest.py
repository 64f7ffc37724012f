"""A push service in this process, and settings that name it."""

from collections.abc import Callable, Iterator

import pytest

from server.settings import Settings
from tests.factories import settings_for
from tests.push_services import Service, listening

SettingsWith = Callable[..., Settings]


@pytest.fixture
def service() -> Iterator[Service]:
    with listening(Service()) as service:
        yield service


@pytest.fixture
def settings_with(service: Service) -> SettingsWith:
    """Both transports to the service, with changes."""

    def settings(**changes: str) -> Settings:
        url = "postgresql://nobody@127.0.0.1/nothing"
        return settings_for(url, url, **{**service.settings(), **changes})

    return settings
