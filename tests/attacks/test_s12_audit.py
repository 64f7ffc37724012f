"""S12: events altered, removed, moved or cut off: denied to the app's role, detected when the owner does it."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from server.extensions import Parts, db, parts
from server.models import Action
from server.services import audit
from tests.attacks.conftest import AsApp
from tests.audited import events
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import Actors, identity_of, settings_for, signed_in

# Before the last two, so that what was exported is not the end.
READS, KEPT = 8, 6


def read(actors: Actors, times: int = 1) -> None:
    """Bob reads Ada's record."""
    for _ in range(times):
        audit.record(Action.PATIENT_READ, identity_of(actors.bob), actors.ada.id)
        db.session.commit()


@pytest.fixture
def kept(app: Flask, actors: Actors, clock: Clock, tmp_path: Path) -> Path:
    """A chain of 8 events in Bob's clinic, and the head as it was exported after the sixth."""
    file = tmp_path / "head"
    read(actors, KEPT)
    file.write_text(app.test_cli_runner().invoke(args=["audit-head"]).output)
    clock.pass_by(minutes=1)
    read(actors, READS - KEPT)
    assert len(events()) == READS
    return file


def verify(app: Flask, *kept: Path) -> Result:
    options = [option for file in kept for option in ("--head", str(file))]
    return app.test_cli_runner().invoke(args=["verify-audit", *options])


def first_bad(result: Result, clinic_id: uuid.UUID) -> str:
    """What is said of the clinic, after its name."""
    assert result.exit_code == 1, result.output
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(f"Clinic {clinic_id}: event "))
    return line.partition(": event ")[2]


DENIED = (
    "UPDATE audit_event SET actor_id = NULL",
    "UPDATE audit_event SET link = link",
    "DELETE FROM audit_event",
    "DELETE FROM audit_event WHERE seq = 8",
    "TRUNCATE audit_event",
    "INSERT INTO audit_event SELECT * FROM audit_event ON CONFLICT (clinic_id, seq) DO UPDATE SET what = '{}'",
    "MERGE INTO audit_event USING clinic ON true WHEN MATCHED THEN DELETE",
    "SELECT 1 FROM audit_event FOR UPDATE",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "DROP TABLE audit_event",
    "DELETE FROM audit_head",
    "TRUNCATE audit_head",
    "UPDATE audit_head SET clinic_id = gen_random_uuid()",
    "UPDATE break_glass SET reason_sealed = ''",
    "UPDATE break_glass SET ends_at = ends_at + interval '1 year'",
    "DELETE FROM break_glass",
    "TRUNCATE break_glass",
)


def test_the_app_role_may_only_add(kept: Path, actors: Actors, as_app: AsApp) -> None:
    before = digest()
    for statement in DENIED:
        with as_app(actors.clinic.id) as app, pytest.raises(ProgrammingError) as refused:
            app.execute(text(statement))
        assert isinstance(refused.value.orig, errors.InsufficientPrivilege), statement
    assert digest() == before


def test_no_glass_is_broken_in_the_name_of_another_clinics_member(actors: Actors, as_app: AsApp) -> None:
    broken = text("""
        INSERT INTO break_glass (id, patient_id, member_id, reason_sealed, at, ends_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), :carol, '', now(), now() + interval '1 hour')
    """)
    with as_app(actors.clinic.id) as app, pytest.raises(IntegrityError) as refused:
        app.execute(broken, {"carol": actors.carol.id})
    assert isinstance(refused.value.orig, errors.ForeignKeyViolation)


def test_a_clinic_sees_its_own_chain_alone(kept: Path, actors: Actors, as_app: AsApp) -> None:
    for clinic_id, count in ((actors.clinic.id, READS), (actors.elsewhere.id, 0), (None, 0)):
        with as_app(clinic_id) as app:
            assert app.scalar(text("SELECT count(*) FROM audit_event")) == count


def test_a_whole_chain_is_said_to_be_whole(app: Flask, kept: Path) -> None:
    for result in (verify(app), verify(app, kept), verify(app, kept, kept)):
        assert result.exit_code == 0, result.output
        assert f"Whole: {READS} events of 1 clinics." in result.stdout


COPY = "SELECT clinic_id, 9, at, actor, actor_id, action, patients, what, request_id, key_id, link FROM audit_event"
# By the owner, who may write what they like: the statements, and what is said of the first event that is not right.
TAMPERED: dict[str, tuple[str, ...]] = {
    "another actor": ("3 was altered", "UPDATE audit_event SET actor_id = gen_random_uuid() WHERE seq = 3"),
    "no actor": ("3 was altered", "UPDATE audit_event SET actor_id = NULL WHERE seq = 3"),
    "another kind of actor": ("3 was altered", "UPDATE audit_event SET actor = 'nobody' WHERE seq = 3"),
    "another action": ("1 was altered", "UPDATE audit_event SET action = 'no such action' WHERE seq = 1"),
    "another patient": ("8 was altered", "UPDATE audit_event SET patients = ARRAY[gen_random_uuid()] WHERE seq = 8"),
    "no patient": ("4 was altered", "UPDATE audit_event SET patients = '{}' WHERE seq = 4"),
    "another thing": ("4 was altered", "UPDATE audit_event SET what = jsonb_build_object('alert', 1) WHERE seq = 4"),
    "another time": ("5 was altered", "UPDATE audit_event SET at = at + interval '1 microsecond' WHERE seq = 5"),
    "another request": ("5 was altered", "UPDATE audit_event SET request_id = 'x' WHERE seq = 5"),
    "another link": ("2 was altered", "UPDATE audit_event SET link = sha256('') WHERE seq = 2"),
    "another key": ("2 was linked under a key that", "UPDATE audit_event SET key_id = 'mine' WHERE seq = 2"),
    "one removed": ("3 is missing", "DELETE FROM audit_event WHERE seq = 3"),
    "the first removed": ("1 is missing", "DELETE FROM audit_event WHERE seq = 1"),
    "all removed": ("1 is cut off", "DELETE FROM audit_event"),
    "the last removed": ("8 is cut off", "DELETE FROM audit_event WHERE seq = 8"),
    "one removed, the last in its place": (
        "3 was altered, or is not in its place",
        "DELETE FROM audit_event WHERE seq = 3",
        "UPDATE audit_event SET seq = 3 WHERE seq = 8",
        "UPDATE audit_head SET seq = 7",
    ),
    "two exchanged": (
        "3 was altered, or is not in its place",
        "UPDATE audit_event SET seq = 99 WHERE seq = 3",
        "UPDATE audit_event SET seq = 3 WHERE seq = 4",
        "UPDATE audit_event SET seq = 4 WHERE seq = 99",
    ),
    "one twice": (
        "9 was altered, or is not in its place",
        f"INSERT INTO audit_event {COPY} WHERE seq = 8",
        "UPDATE audit_head SET seq = 9",
    ),
    "one given to another clinic": (
        "8 is cut off",
        "UPDATE audit_event SET clinic_id = (SELECT id FROM clinic WHERE name LIKE 'Carol%') WHERE seq = 8",
    ),
    "no head": ("8 has no head after it", "DELETE FROM audit_head"),
    "a head further on": ("9 is cut off", "UPDATE audit_head SET seq = 9"),
    "a head further back": ("8 is not what the head tells of", "UPDATE audit_head SET seq = 7"),
    "another head": ("8 is not what the head tells of", "UPDATE audit_head SET link = sha256('')"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_the_owner_changes_is_found(app: Flask, kept: Path, actors: Actors, name: str) -> None:
    said, *statements = TAMPERED[name]
    for statement in statements:
        change(statement)
    for result in (verify(app), verify(app, kept)):
        assert first_bad(result, actors.clinic.id).startswith(said)


CUT = """
    DELETE FROM audit_event WHERE seq > 5;
    UPDATE audit_head SET (seq, link, at) = (SELECT seq, link, at FROM audit_event WHERE audit_event.seq = 5)
"""


def test_a_tail_cut_off_with_its_head_is_found_by_the_exported_head(app: Flask, kept: Path, actors: Actors) -> None:
    for statement in CUT.split(";"):
        change(statement)
    # The database alone cannot tell: all that it holds agrees.
    assert verify(app).exit_code == 0
    said = "6 is cut off: an exported head tells of it, and of all up to event 6."
    assert first_bad(verify(app, kept), actors.clinic.id) == said


def test_a_tail_cut_off_and_grown_again_is_found_by_the_exported_head(app: Flask, kept: Path, actors: Actors) -> None:
    for statement in CUT.split(";"):
        change(statement)
    read(actors, READS)
    assert verify(app).exit_code == 0
    assert first_bad(verify(app, kept), actors.clinic.id).startswith("6 is not the event that the exported head")


def test_a_clinic_whose_audit_is_all_gone_is_found_by_the_exported_head(
    app: Flask, kept: Path, actors: Actors, tmp_path: Path
) -> None:
    gone = uuid.uuid4()
    of_a_clinic_that_went = tmp_path / "gone"
    of_a_clinic_that_went.write_text(kept.read_text().replace(str(actors.clinic.id), str(gone)))
    assert first_bad(verify(app, of_a_clinic_that_went), gone).startswith("1 is cut off: an exported head")
    change("DELETE FROM audit_event")
    change("DELETE FROM audit_head")
    assert verify(app).exit_code == 0
    assert first_bad(verify(app, kept), actors.clinic.id).startswith("1 is cut off: an exported head")


def test_a_file_without_a_head_is_no_proof(app: Flask, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    result = verify(app, kept, tmp_path / "empty")
    assert (result.exit_code, "file 2 holds no line that audit-head printed" in result.output) == (1, True)


@pytest.mark.parametrize("line", ["x", "1 2 3 4", f"{uuid.UUID(int=1)} one 00 2026-05-04T20:00:00Z", "\x00"])
def test_a_head_that_is_none_of_ours_is_refused(app: Flask, tmp_path: Path, line: str) -> None:
    (tmp_path / "head").write_text(f"\n{line}\n")
    result = verify(app, tmp_path / "head")
    assert (result.exit_code, "Line 2 is not one that audit-head printed." in result.output) == (1, True)


def test_writers_at_once_keep_one_chain(app: Flask, actors: Actors, as_app: AsApp) -> None:
    bob = identity_of(actors.bob)

    def write() -> None:
        for _ in range(5):
            audit.record(Action.PATIENT_READ, bob, actors.ada.id)
            db.session.commit()

    concurrently(app, write, write, write, write)
    assert [seq for (seq,) in rows("SELECT seq FROM audit_event ORDER BY seq")] == list(range(1, 21))
    assert (verify(app).exit_code, one("SELECT seq FROM audit_head")) == (0, 20)


def test_whoever_adds_locks_the_head_last(app: Flask, client: FlaskClient, actors: Actors) -> None:
    """Two who change each other's patient would deadlock, if one held the head while waiting for the patient."""
    urls = [f"/v1/patients/{actors.ada.id}", f"/v1/patients/{actors.ada.id}/invites"]
    headers = [signed_in(app, actors.bob), signed_in(app, actors.alice_admin)]

    def change_it(place: int) -> Callable[[], set[int]]:
        def work() -> set[int]:
            answers = [client.patch(urls[0], json={"language": "es"}, headers=headers[place]) for _ in range(3)]
            answers += [client.post(urls[1], headers=headers[place]) for _ in range(3)]
            return {answer.status_code for answer in answers}

        return work

    assert concurrently(app, change_it(0), change_it(1)) == [{200, 201}, {200, 201}]
    assert verify(app).exit_code == 0


@pytest.fixture
def other_keys(app: Flask) -> Iterator[Callable[[str], None]]:
    """Meanwhile the processes run with these AUDIT_KEYS."""
    before = parts()

    def use(keys: str) -> None:
        settings = before.settings
        changed = settings_for(settings.database_url, settings.migration_database_url, AUDIT_KEYS=keys)
        app.extensions["interlude"] = Parts(changed, before.now, before.send)

    yield use
    app.extensions["interlude"] = before


OLD = "tests:for-the-audit-of-the-tests-alone-not-a-secret"
NEW = "new:another-for-the-audit-of-the-tests-alone"


def test_a_new_key_goes_on_and_the_old_one_verifies(
    app: Flask, kept: Path, actors: Actors, other_keys: Callable[[str], None]
) -> None:
    other_keys(f"{NEW},{OLD}")
    read(actors)
    assert [key for (key,) in events("key_id")] == ["tests"] * READS + ["new"]
    assert verify(app, kept).exit_code == 0
    other_keys(NEW)
    assert first_bad(verify(app), actors.clinic.id).startswith("1 was linked under a key that AUDIT_KEYS lacks")
    other_keys(OLD)
    assert first_bad(verify(app), actors.clinic.id).startswith(f"{READS + 1} was linked under a key that")


def test_without_the_secret_no_link_can_be_made(
    app: Flask, kept: Path, actors: Actors, other_keys: Callable[[str], None]
) -> None:
    """Whoever has the whole database, and this program, and another secret under the same id."""
    for statement in CUT.split(";"):
        change(statement)
    other_keys(NEW.replace("new:", "tests:"))
    read(actors, 3)
    assert first_bad(verify(app), actors.clinic.id).startswith("1 was altered")
    other_keys(OLD)
    assert first_bad(verify(app), actors.clinic.id).startswith("6 was altered")


def test_what_is_kept_names_and_says_nothing(kept: Path, actors: Actors) -> None:
    told = str(events("audit_event::text"))
    for said in (actors.ada.code, "bob@clinic.example", "Bob", "America/New_York"):
        assert said not in told
