"""Statements past SQLAlchemy's own execution: the same values, the same errors, and nothing kept in between."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from psycopg.errors import AdminShutdown
from psycopg.pq import Format
from sqlalchemy import (
    ARRAY,
    Integer,
    LargeBinary,
    Numeric,
    Uuid,
    bindparam,
    column,
    insert,
    literal,
    select,
    text,
    update,
    values,
)
from sqlalchemy.exc import IntegrityError, MultipleResultsFound, NoResultFound, OperationalError, ProgrammingError

from server.extensions import Instant, ask, ask_one, db, table_of, tell
from server.models import Answer, Clinic, Patient, Watch
from server.models.types import choice
from server.questions import BINARY
from tests.factories import Actors, new_id

NUMBERS = select(values(column("number", Integer), name="given").data([(1,), (2,)]))
PATIENT = select(table_of(Patient)).where(table_of(Patient).c.id == bindparam("patient_id"))


def test_values_come_as_they_do_otherwise(actors: Actors) -> None:
    at = datetime(2026, 5, 4, 9, tzinfo=timezone(timedelta(hours=2)))
    kinds: tuple[tuple[Any, Any], ...] = (
        (Instant(), at),
        (choice(Answer, "used"), Answer.NO),
        (Numeric(3, 1), Decimal("4.5")),
        (Uuid(), actors.ada.id),
        (ARRAY(Uuid), [actors.ada.id, actors.bob.id]),
    )
    asked = select(*(bindparam(f"given_{place}", type_=kind) for place, (kind, _) in enumerate(kinds)))
    given = {f"given_{place}": value for place, (_, value) in enumerate(kinds)}
    for _ in range(7):  # psycopg prepares it meanwhile
        found = ask_one(asked, given)
        assert tuple(found) == tuple(db.session.execute(asked, given).one())
    assert found[0].tzinfo is UTC
    assert found[1] is Answer.NO


def test_every_column_comes_by_its_name(actors: Actors) -> None:
    found = ask_one(PATIENT, {"patient_id": actors.ada.id})
    assert found._asdict() == dict(db.session.execute(PATIENT, {"patient_id": actors.ada.id}).mappings().one())


def test_a_naive_time_goes_nowhere(actors: Actors) -> None:
    with pytest.raises(TypeError, match="naive"):
        ask(select(bindparam("at", type_=Instant)), {"at": datetime(2026, 5, 4)})  # noqa: DTZ001


def test_the_only_row_is_the_only_one(actors: Actors) -> None:
    assert [row.number for row in ask(NUMBERS, {})] == [1, 2]
    with pytest.raises(MultipleResultsFound):
        ask_one(NUMBERS, {})
    with pytest.raises(NoResultFound):
        ask_one(PATIENT, {"patient_id": new_id()})


def test_how_many_rows_were_written_is_told(actors: Actors) -> None:
    moved = update(table_of(Patient)).where(table_of(Patient).c.code == bindparam("known")).values(region="CA")
    for known, wrote in ((actors.ada.code, 1), ("nobody", 0)):
        assert tell(moved, {"known": known}) == wrote


def test_bytes_come_in_binary_where_the_statement_says_so(actors: Actors) -> None:
    given, formats = bindparam("given", type_=LargeBinary), {}
    for asked in (select(given), select(given).execution_options(**{BINARY: True})):
        assert ask_one(asked, {"given": bytes(range(256))})[0] == bytes(range(256))
        cursors = db.session.connection().info["interlude_cursors"]
        formats[asked] = next(reversed(cursors.values())).format
    assert list(formats.values()) == [Format.TEXT, Format.BINARY]


def test_what_is_not_given_is_not_taken_for_null(actors: Actors) -> None:
    with pytest.raises(ProgrammingError, match="patient_id"):
        ask(PATIENT, {})


@pytest.mark.parametrize(
    "statement",
    [PATIENT.where(table_of(Patient).c.code.in_(["a", "b"])), insert(table_of(Watch)).values(patient_id=new_id())],
    ids=["as many parameters as values", "a default that Python makes"],
)
def test_what_is_made_anew_each_time_is_no_question(actors: Actors, statement: Any) -> None:
    with pytest.raises(TypeError, match="anew"):
        ask(statement, {})


def test_what_the_database_refuses_is_refused_without_what_was_sent(actors: Actors) -> None:
    clinic = table_of(Clinic)
    again = insert(clinic).from_select(
        [one.name for one in clinic.columns], select(clinic).where(clinic.c.id == bindparam("secret"))
    )
    with pytest.raises(IntegrityError) as raised:
        ask(again, {"secret": actors.clinic.id})
    assert "UniqueViolation" in str(raised.value)
    assert str(actors.clinic.id) not in str(raised.value.statement) + str(raised.value.params)
    db.session.rollback()
    # The connection is as good as before.
    assert ask_one(select(literal(1).label("one")), {}).one == 1


def test_a_connection_that_broke_is_not_used_again(actors: Actors) -> None:
    pid = "SELECT pg_backend_pid()"
    was = db.session.scalar(text(pid))
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": was})
    with pytest.raises(OperationalError) as raised:
        ask(NUMBERS, {})
    assert isinstance(raised.value.orig, AdminShutdown)
    assert raised.value.connection_invalidated
    db.session.rollback()
    assert db.session.scalar(text(pid)) != was
    assert len(ask(NUMBERS, {})) == 2


def test_no_answer_is_kept_while_its_cursor_waits(actors: Actors) -> None:
    ask(NUMBERS, {})
    cursors = db.session.connection().info["interlude_cursors"].values()
    assert cursors
    assert not any(cursor.pgresult or cursor._tx.pgresult for cursor in cursors)
