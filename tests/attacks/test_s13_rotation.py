"""S13: keys rotated while everything runs: what was sealed before is readable before, within and after."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, pool, select, text

from server.assembly import require_keys
from server.extensions import db
from server.models import CheckIn, Member, Patient
from server.scope import enter
from server.sealing import KeysLost
from server.services import rotation
from server.settings import Settings
from tests.attacks.conftest import Switch
from tests.conftest import Clock
from tests.database import altered, digest, one, rows
from tests.factories import PASSWORD, Actors, check_in_body, data_key, new_id, signed_in

OLD, NEW = data_key("tests"), data_key("new")


@pytest.fixture
def texts(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> Callable[[], list[str | None]]:
    """Seven notes, a reference and the addresses, as they can be read at the moment."""
    headers = signed_in(app, actors.ada)
    for day in range(7):
        body = check_in_body(clock(), note=f"note {day}")
        assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 201
        clock.pass_by(minutes=1)
    actors.ada.reference = "chart 7"
    db.session.commit()

    def read() -> list[str | None]:
        db.session.rollback()
        notes = [found.note for found in db.session.scalars(select(CheckIn).order_by(CheckIn.recorded_at))]
        emails = [found.email for found in db.session.scalars(select(Member))]
        with app.app_context():
            enter(actors.elsewhere.id)
            emails += [found.email for found in db.session.scalars(select(Member))]
        return [*notes, *sorted(emails), *(found.reference for found in db.session.scalars(select(Patient)))]

    return read


def key_ids(table: str, column: str) -> set[str]:
    found = rows(f"SELECT DISTINCT substring({column} from 3 for get_byte({column}, 1)) FROM {table}")  # noqa: S608
    return {bytes(key_id).decode() for (key_id,) in found if key_id is not None}


COLUMNS = (("check_in", "note_sealed"), ("member", "email_sealed"), ("patient", "reference_sealed"))


def rotate(app: Flask) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["rotate-keys"])
    db.session.rollback()
    return done.exit_code, done.stdout if done.exit_code == 0 else done.output


def test_before_within_and_after_a_rotation_everything_is_readable(
    app: Flask,
    client: FlaskClient,
    actors: Actors,
    clock: Clock,
    switch: Switch,
    texts: Callable[[], list[str | None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = texts()
    assert before == [*(f"note {day}" for day in range(7)), *("alice@clinic.example", "bob@clinic.example"),
                      "carol@elsewhere.example", "chart 7"]  # fmt: skip
    index = rows("SELECT id, email_index FROM member ORDER BY id")
    switch(f"{OLD},{NEW}")
    assert texts() == before
    switch(f"{NEW},{OLD}")
    assert texts() == before

    # Three rows of seven, and then it was killed.
    monkeypatch.setattr(rotation, "BATCH", 3)
    (notes,) = (column for column in rotation.sealed_columns() if (column.table, column.name) == ("check_in", "note"))
    rotation.seal_anew(db.session.connection(), notes, None)
    db.session.commit()
    assert key_ids(*COLUMNS[0]) == {"tests", "new"}
    assert texts() == before

    code, said = rotate(app)
    assert code == 0, said
    assert said.splitlines() == [
        "alert.outcome_note: 0 sealed anew",
        "break_glass.reason: 0 sealed anew",
        "check_in.note: 4 sealed anew",
        "check_in_version.note: 0 sealed anew",
        "consent.recipient_email: 0 sealed anew",
        "consent.recipient_name: 0 sealed anew",
        "disclosure.recipient_email: 0 sealed anew",
        "disclosure.recipient_name: 0 sealed anew",
        "index_key.secret: 1 sealed anew",
        "member.email: 3 sealed anew",
        "member.totp: 1 sealed anew",
        "member_mail.email_before: 0 sealed anew",
        "patient.reference: 1 sealed anew",
        "push_address.address: 0 sealed anew",
        "quarantined_item.reason: 0 sealed anew",
        "quarantined_item.said: 0 sealed anew",
        "routing.escalation_email: 0 sealed anew",
        "routing.webhook_secret: 0 sealed anew",
        "routing.webhook_url: 0 sealed anew",
        "urge.note: 0 sealed anew",
        "urge_version.note: 0 sealed anew",
        "Nothing stored needs tests any more: it may go from DATA_KEYS.",
    ]
    assert [key_ids(*column) for column in COLUMNS] == [{"new"}] * 3
    assert texts() == before

    sealed = digest()
    assert rotate(app)[0] == 0
    assert digest() == sealed

    switch(NEW)
    assert texts() == before
    assert client.get("/readyz").status_code == 200
    # Whoever signs in is found as before, and an address stays taken.
    assert rows("SELECT id, email_index FROM member ORDER BY id") == index
    assert client.post("/v1/tokens", json={"email": "BOB@clinic.example", "password": PASSWORD}).status_code == 201
    member = {"role": "admin", "name": "Zoe", "email": "Bob@clinic.example", "password": PASSWORD}
    assert client.post("/v1/members", json=member, headers=signed_in(app, actors.alice_admin)).status_code == 409


def test_a_retry_after_a_rotation_is_the_same_check_in(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, switch: Switch
) -> None:
    url, headers, body = f"/v1/check-ins/{new_id()}", signed_in(app, actors.ada), check_in_body(clock(), note="same")
    first = client.put(url, json=body, headers=headers)
    assert client.put(url, json=body, headers=headers).status_code == 200
    switch(f"{NEW},{OLD}")
    assert rotate(app)[0] == 0
    again = client.put(url, json=body, headers=headers)
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert client.put(url, json={**body, "note": "other"}, headers=headers).status_code == 428


def test_what_somebody_changes_meanwhile_is_theirs(
    app: Flask, settings: Settings, actors: Actors, switch: Switch, clock: Clock
) -> None:
    """The rotation has read the old text, and waits for whoever is writing a new one."""
    actors.ada.reference = "before"
    db.session.commit()
    switch(f"{NEW},{OLD}")
    (references,) = (column for column in rotation.sealed_columns() if column.name == "reference")
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)

    def seal_anew() -> int:
        with app.app_context(), engine.begin() as connection:
            return rotation.seal_anew(connection, references, None).sealed

    ada = db.session.get_one(Patient, actors.ada.id)
    ada.reference = "after"
    db.session.flush()
    with ThreadPoolExecutor(1) as pool_of_one:
        rotating = pool_of_one.submit(seal_anew)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        assert any(one(waiting) for _ in range(20_000) if not rotating.done())
        db.session.commit()
        assert rotating.result(timeout=30) == 0
    assert db.session.get_one(Patient, actors.ada.id).reference == "after"


def test_a_key_that_something_still_needs_is_not_let_go(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, switch: Switch, settings: Settings
) -> None:
    headers, body = signed_in(app, actors.ada), check_in_body(clock(), note="sealed as before")
    switch(f"{NEW},{OLD}")
    assert rotate(app)[0] == 0
    # A process that was not started anew seals under the old key, which the database so hears of again.
    switch(f"{OLD},{NEW}")
    assert client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers).status_code == 201
    assert rows("SELECT id FROM data_key ORDER BY id") == [("new",), ("tests",)]
    switch(NEW)
    with pytest.raises(KeysLost, match="DATA_KEYS lacks tests"):
        require_keys(app)
    code, said = rotate(app)
    assert (code, "DATA_KEYS lacks tests" in said) == (1, True)

    switch(f"{NEW},{OLD}")
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE check_in SET note_sealed = {altered('note_sealed')}"))  # noqa: S608
    code, said = rotate(app)
    assert code == 1
    assert "tests is still needed" in said
    assert f"check_in.note of {actors.ada.id}" in said
    assert rows("SELECT id FROM data_key ORDER BY id") == [("new",), ("tests",)]
