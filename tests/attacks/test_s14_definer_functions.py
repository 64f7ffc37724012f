"""S14: what runs before a clinic is known tells ids, counts and instants only, and to the app's role alone."""

from typing import Any

import pytest
from flask import Flask
from psycopg import connect, errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.extensions import db
from server.libpq import conninfo
from server.local.postgres import EmbeddedPostgres
from tests.attacks.conftest import AsApp, Clinics
from tests.database import change, owner, rows
from tests.factories import Actors

# Everything that a caller gets of each: the type of what it returns, or of each of its columns.
TOLD = {
    "clinic_of_member(bytea)": ["uuid"],
    "clinic_of_patient(text)": ["uuid"],
    "clinic_of_invite(bytea)": ["uuid"],
    "clinic_of_reset(bytea)": ["uuid"],
    "clinics_with_due(text,timestamp with time zone)": ["uuid"],
    "check_ins_received(timestamp with time zone,timestamp with time zone)": ["timestamp with time zone"],
    "forget_trends_from(date)": ["void"],
    "every_clinic()": ["uuid"],
    "health_counts()": [
        *("timestamp with time zone", "bigint", "bigint"),
        *("timestamp with time zone", "bigint", "bigint"),
    ],
    "alerts_waiting()": ["bigint", "timestamp with time zone"] * 3,
    "ways_waiting()": ["timestamp with time zone"] * 4,
}
CALLS = (
    r"clinic_of_member('\x00')",
    "clinic_of_patient('7K4M-QXW2')",
    r"clinic_of_invite('\x00')",
    r"clinic_of_reset('\x00')",
    "clinics_with_due('assess', now())",
    "check_ins_received(now(), now())",
    "forget_trends_from(current_date)",
    "every_clinic()",
    "health_counts()",
    "alerts_waiting()",
    "ways_waiting()",
)


def test_there_are_these_and_no_others(app: Flask) -> None:
    found = rows("""
        SELECT oid::regprocedure::text, proconfig, provolatile, proowner::regrole::text,
               coalesce((SELECT array_agg(format_type(type, NULL) ORDER BY place)
                         FROM unnest(proallargtypes, proargmodes) WITH ORDINALITY AS given (type, mode, place)
                         WHERE mode = 't'), ARRAY[format_type(prorettype, NULL)])
        FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
    """)
    assert {signature: told for signature, *_, told in found} == TOLD
    for signature, config, volatility, owned_by, _ in found:
        assert config == ["search_path=pg_catalog, pg_temp"], signature
        # They read; the one that writes throws a cache away.
        writes = signature == "forget_trends_from(date)"
        assert (volatility, owned_by) == ("v" if writes else "s", "interlude_owner"), signature


def test_nobody_else_may_call_them(app: Flask, postgres: EmbeddedPostgres) -> None:
    may = rows("""
        SELECT DISTINCT grantee::regrole::text FROM pg_proc, aclexplode(proacl)
        WHERE prosecdef AND pronamespace = 'public'::regnamespace
    """)
    assert sorted(may) == [("interlude_app",), ("interlude_owner",)]
    with connect(conninfo(postgres.url("postgres"))) as superuser:
        superuser.execute("CREATE ROLE stranger; GRANT USAGE ON SCHEMA public TO stranger; SET LOCAL ROLE stranger")
        for call in CALLS:
            with pytest.raises(errors.InsufficientPrivilege), superuser.transaction():
                superuser.execute(f"SELECT * FROM {call}")
        superuser.rollback()


def test_what_a_stranger_says_finds_no_clinic(clinics: Clinics, as_app: AsApp) -> None:
    for call in ("clinic_of_member", "clinic_of_patient", "clinic_of_invite", "clinic_of_reset"):
        for said in (b"%", b"' OR true --", b"", None):
            asked = said.decode() if call == "clinic_of_patient" and said is not None else said
            with as_app(None) as nobody:
                assert nobody.scalar(text(f"SELECT {call}(:said)"), {"said": asked}) is None, (call, said)


def test_each_finds_its_clinic(clinics: Clinics, actors: Actors, as_app: AsApp) -> None:
    def ask(call: str, **values: Any) -> Any:
        with as_app(None) as nobody:
            return nobody.execute(text(f"SELECT {call}"), values).scalars().all()

    assert ask("clinic_of_member(:email)", email=actors.carol.email_index) == [clinics.theirs]
    assert ask("clinic_of_patient(:code)", code=actors.ada.code) == [clinics.ours]
    ((invite, clinic_id),) = rows("SELECT code_hash, clinic_id FROM invite WHERE patient_id = :cyd", cyd=clinics.cyd)
    assert ask("clinic_of_invite(:hash)", hash=invite) == [clinic_id] == [clinics.theirs]
    assert ask("clinic_of_reset(:hash)", hash=b"of Carol") == [clinics.theirs]
    change("UPDATE patient SET reminder_time = '20:00', remind_due_at = '2026-05-04T20:00Z'")
    for job in ("assess", "deliver", "remind"):
        due = ask("clinics_with_due(:job, :at)", job=job, at="2026-05-05T00:00Z")
        assert set(due) == {clinics.ours, clinics.theirs}
        assert ask("clinics_with_due(:job, :at)", job=job, at="2000-01-01T00:00Z") == []
    assert set(ask("every_clinic()")) == {clinics.ours, clinics.theirs}
    received = rows("SELECT DISTINCT received_at FROM check_in")
    assert {(at,) for at in ask("check_ins_received('2026-05-01', '2026-06-01')")} == set(received)


def test_a_table_of_the_callers_own_does_not_stand_in(clinics: Clinics) -> None:
    """The owner may make temporary tables, which by default would come before ours."""
    with owner().connect() as connection:
        connection.execute(text("CREATE TEMP TABLE clinic (id uuid, created_at timestamptz)"))
        connection.execute(text("CREATE TEMP TABLE member (clinic_id uuid, email_index bytea)"))
        connection.execute(text("INSERT INTO member VALUES (gen_random_uuid(), 'eve')"))
        connection.execute(text("SET LOCAL search_path = pg_temp, public"))
        assert len(connection.execute(text("SELECT public.every_clinic()")).all()) == 2
        assert connection.scalar(text("SELECT public.clinic_of_member('eve')")) is None
        connection.rollback()


def test_the_app_role_makes_no_temporary_table_at_all(app: Flask) -> None:
    with db.engine.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text("CREATE TEMP TABLE member (clinic_id uuid, email text)"))
    assert isinstance(error.value.orig, errors.InsufficientPrivilege)
