"""A restore that restored nothing, or lost what the audit tells of: said aloud, by the page's own steps."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from server.app import create_app
from server.clock import utcnow
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from server.models import Action
from server.services import audit
from server.services.erasure import erase
from server.services.identities import Identity
from server.settings import Settings
from tests.catalog import MIGRATED, scratch_database
from tests.e2e.test_restored import program
from tests.factories import PASSWORD, identity_of, make_actors, make_patient

MINUTE = timedelta(minutes=1)


@contextmanager
def running_on(settings: Settings) -> Iterator[Flask]:
    """The program on a database of its own."""
    app = create_app(settings)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def bob_reads(bob: Identity, times: int) -> None:
    for _ in range(times):
        audit.record(Action.PATIENT_READ, bob)
        db.session.commit()


@pytest.mark.parametrize("of", ["template1", MIGRATED], ids=["nothing", "no row"])
@pytest.mark.parametrize("command", [["after-restore", "--taken", "2026-05-04T20:00Z"], ["verify-audit"]])
def test_a_database_into_which_nothing_was_restored_is_refused(
    migrated: EmbeddedPostgres, of: str, command: list[str]
) -> None:
    """pg_restore failed, or filled another one: nobody is to start the processes on it."""
    with scratch_database(migrated, "nothing_restored", of=of) as there, running_on(there) as app:
        said = app.test_cli_runner().invoke(args=command)
    assert said.exit_code == 1
    assert said.output.startswith("Error: There is no clinic in this database")
    assert "what pg_restore said last" in said.output
    assert "now start" not in said.output


# What the page tells to do after pg_restore, before the processes start, in its order.
STEPS = re.findall(
    r"`flask --app server\.app ([a-z-]+)([^`]*)`",
    Path("docs/operations.md").read_text().partition("## Restoring")[2].partition("**What `after-restore` does**")[0],
)


@pytest.fixture
def lost(migrated: EmbeddedPostgres, tmp_path: Path) -> uuid.UUID:
    """A clinic of which a backup was taken, after which Bob read twice and Eve left; the heads and erasures of then."""
    with scratch_database(migrated, "lost", of=MIGRATED) as settings, running_on(settings) as app:
        actors = make_actors(utcnow())
        bob, eve = identity_of(actors.bob), identity_of(make_patient(actors.bob, utcnow()))
        clinic_id = actors.clinic.id
        bob_reads(bob, 3)
        program("pg_dump", settings.migration_database_url, "--format=custom", f"--file={tmp_path / 'backup'}")
        bob_reads(bob, 2)
        erase(eve, PASSWORD, utcnow())
        db.session.commit()
        for name in ("audit-head", "erasures"):
            kept = app.test_cli_runner().invoke(args=[name]).stdout
            assert len(kept.splitlines()) == 1
            (tmp_path / name).write_text(kept)
    return clinic_id


def test_a_restore_by_the_page_tells_what_the_audit_lost(
    migrated: EmbeddedPostgres, tmp_path: Path, lost: uuid.UUID
) -> None:
    kept = {"verify-audit": str(tmp_path / "audit-head"), "erase-again": str(tmp_path / "erasures")}
    said: list[tuple[str, int, str]] = []
    with scratch_database(migrated, "again") as there:
        program("pg_restore", there.migration_database_url, "--single-transaction", str(tmp_path / "backup"))
        with running_on(there) as app:
            for name, words in STEPS:
                filled_in = [
                    kept[name] if word == "KEPT" else utcnow().isoformat() if word.startswith("2026-") else word
                    for word in words.split()
                ]
                result = app.test_cli_runner().invoke(args=[name, *filled_in])
                said.append((name, result.exit_code, result.stdout.splitlines()[-1] if result.stdout else ""))
            late = app.test_cli_runner().invoke(args=["verify-audit", "--head", kept["verify-audit"]])
    cut_off = f"Clinic {lost}: event 4 is cut off: an exported head tells of it, and of all up to event 5."
    assert said[:-1] == [
        ("db", 0, ""),
        (
            "verify-audit",
            1,
            cut_off,
        ),
        ("erase-again", 0, "Erased again: 1 of 1."),
        ("after-restore", 0, "Held: 0. Told anew: 0. With nobody: 0. The queue is empty; now start the processes."),
        ("verify-audit", 0, "Whole: 6 events of 2 clinics."),
    ]
    assert said[-1][:2] == ("audit-head", 0)
    # Later it cannot tell any more: other events are in the place of the lost ones.
    assert (late.exit_code, "is cut off" in late.stdout) == (1, False)
