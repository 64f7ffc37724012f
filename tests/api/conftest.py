"""What the tests of the API share."""

import pytest

from tests.attacks.things import Things, make_things
from tests.conftest import Clock
from tests.factories import Actors
from tests.worlds import Worlds


@pytest.fixture
def things(actors: Actors, clock: Clock, worlds: Worlds) -> Things:
    return worlds.begin(make_things, actors, at=clock())
