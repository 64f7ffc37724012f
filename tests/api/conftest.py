"""What the tests of the API share."""

import pytest

from tests.attacks.cells import Things, make_things
from tests.conftest import Clock
from tests.factories import Actors


@pytest.fixture
def things(actors: Actors, clock: Clock) -> Things:
    return make_things(actors, clock())
