"""Requests of one account in a minute: a problem with Retry-After beyond the limit, and for nobody else."""

from collections.abc import Iterator

import pytest
from flask import Flask
from limits.errors import ConfigurationError

from server.app import create_app
from server.counts import Counts
from server.errors import TooMany
from server.extensions import db
from server.pace import Pace
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.conftest import Clock
from tests.factories import Actors, settings_for, signed_in
from tests.web.conftest import enter


@pytest.fixture
def slow(settings: Settings, clock: Clock) -> Iterator[Flask]:
    """Five requests a minute."""
    urls = settings.database_url, settings.migration_database_url
    slow = create_app(settings_for(*urls, RATE_LIMIT_PER_MINUTE="5"), now=clock)
    yield slow
    with slow.app_context():
        db.engine.dispose()


def test_one_account_is_held_up_on_all_its_devices_and_no_other(app: Flask, actors: Actors, slow: Flask) -> None:
    client = slow.test_client()
    phones = [signed_in(app, actors.ada), signed_in(app, actors.ada)]
    statuses = [client.get("/v1/me", headers=phones[turn % 2]).status_code for turn in range(6)]
    assert statuses == [200] * 5 + [429]
    # Routes count together; what does not exist for this role counts, too.
    for url in ("/v1/me", "/v1/today", "/v1/members"):
        refused = client.get(url, headers=phones[0])
        assert_problem(refused, 429)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.get_json()["detail"] == "Too many requests. Try again in a minute."
    assert client.get("/v1/me", headers=signed_in(app, actors.bob)).status_code == 200


def test_pages_count_as_well(actors: Actors, slow: Flask, clock: Clock) -> None:
    browser = slow.test_client()
    enter(browser, actors.bob, clock)
    statuses = [browser.get("/alerts").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    page = browser.get("/alerts", headers={"Accept": "text/html"})
    assert "Try again after" in page.get_data(as_text=True)
    assert int(page.headers["Retry-After"]) >= 1


def test_what_asks_nobody_who_they_are_does_not_count(slow: Flask) -> None:
    client = slow.test_client()
    assert {client.get(url).status_code for url in ("/healthz", "/readyz") for _ in range(8)} == {200}


def test_a_store_without_its_client_stops_the_start(settings: Settings) -> None:
    urls = settings.database_url, settings.migration_database_url
    with pytest.raises(ConfigurationError, match="redis"):
        create_app(settings_for(*urls, RATE_LIMIT_STORAGE_URL="redis://127.0.0.1:6379"))


class Remote(Counts):
    """A store that other processes count in, too, and that may be away."""

    STORAGE_SCHEME = ["remote"]  # noqa: RUF012  # the library's own declaration

    def __init__(self) -> None:
        super().__init__(wrap_exceptions=True)
        self.away, self.asked = False, 0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        self.asked += 1
        if self.away:
            raise ValueError("no connection")
        return super().incr(key, expiry, amount)


def test_processes_that_share_a_store_count_together() -> None:
    remote = Remote()
    one, other = Pace(2, remote), Pace(2, remote)
    one.keep("ada")
    other.keep("ada")
    with pytest.raises(TooMany):
        one.keep("ada")
    one.keep("bob")


def test_while_the_store_is_away_each_process_counts_and_does_not_wait_for_it() -> None:
    remote = Remote()
    pace = Pace(2, remote)
    remote.away = True
    pace.keep("ada")
    pace.keep("ada")
    with pytest.raises(TooMany):
        pace.keep("ada")
    assert remote.asked == 1
