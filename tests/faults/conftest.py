"""One running system for the faults that leave no more behind than the alerts of their own patients."""

from collections.abc import Iterator

import pytest

from tests.faults.boundaries import BOUNDARIES
from tests.faults.people import phones
from tests.faults.system import Faulty, Phone, faulty_system


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    with faulty_system(tmp_path_factory.mktemp("faults"), ("web", "scheduler", "worker")) as system:
        yield system


@pytest.fixture(scope="session")
def waiting_phones(system: Faulty) -> Iterator[Phone]:
    """Each is taken once."""
    return iter(phones(system, len(BOUNDARIES) + 10))


@pytest.fixture
def phone(waiting_phones: Iterator[Phone]) -> Phone:
    return next(waiting_phones)
