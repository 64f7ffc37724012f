"""A database that lets nobody in is no patient's failure."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from server.extensions import db
from server.jobs.assessing import assess_all
from server.jobs.away import is_away
from server.libpq import conninfo
from server.local.postgres import EmbeddedPostgres
from server.local.roles import SUPERUSER
from tests.conftest import Clock
from tests.database import rows
from tests.factories import Actors
from tests.services.test_watch import check_in


@contextmanager
def full(postgres: EmbeddedPostgres) -> Iterator[None]:
    """No place is left for the app's role."""
    with psycopg.connect(conninfo(postgres.url(SUPERUSER)), autocommit=True) as superuser:
        superuser.execute("ALTER ROLE interlude_app CONNECTION LIMIT 0")
        try:
            yield
        finally:
            superuser.execute("ALTER ROLE interlude_app CONNECTION LIMIT -1")


def test_a_database_that_has_no_place_is_nobodys_failure(
    postgres: EmbeddedPostgres, actors: Actors, clock: Clock
) -> None:
    check_in(actors.ada, clock, craving=9.5)
    ada = actors.ada.id
    db.session.remove()
    db.engine.dispose()
    with full(postgres), pytest.raises(OperationalError) as failed:
        assess_all([ada], clock())
    assert is_away(failed.value)
    assert rows("SELECT DISTINCT failures FROM watch") == [(0,)]


def test_a_statement_that_fails_is_not_the_databases_failure(actors: Actors) -> None:
    with pytest.raises(DBAPIError) as failed:
        db.session.execute(text("SELECT 1 / 0"))
    assert not is_away(failed.value)
