"""What requests are counted in: each window by itself, and nothing kept for ever."""

from datetime import UTC, datetime

import pytest

from server import counts
from server.counts import Counts

MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC).timestamp()


class At:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(MIDNIGHT + self.seconds, UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    clock = At()
    monkeypatch.setattr(counts, "utcnow", clock)
    return clock


def test_a_count_ends_with_its_window_and_begins_anew(at: At) -> None:
    kept = Counts()
    assert [kept.incr("ada", 60), kept.incr("ada", 60), kept.incr("bob", 60)] == [1, 2, 1]
    assert kept.get_expiry("ada") == MIDNIGHT + 60
    at.seconds = 59.9
    assert (kept.incr("ada", 60), kept.get("ada")) == (3, 3)
    at.seconds = 60
    assert (kept.get("ada"), kept.get_expiry("ada")) == (0, MIDNIGHT + 60)
    assert (kept.incr("ada", 60), kept.get_expiry("ada")) == (1, MIDNIGHT + 120)


def test_who_came_once_is_forgotten(at: At) -> None:
    kept = Counts()
    for number in range(100):
        kept.incr(f"account {number}", 60)
    at.seconds = 61
    kept.incr("ada", 60)
    assert kept.reset() == 1


def test_one_may_be_cleared(at: At) -> None:
    kept = Counts()
    kept.incr("ada", 60)
    kept.clear("ada")
    assert (kept.get("ada"), kept.check()) == (0, True)
