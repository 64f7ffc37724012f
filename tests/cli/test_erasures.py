"""A backup of before an erasure is restored: the record is erased again, and nobody else's is."""

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from tests.api.test_erasure import erase, where
from tests.audited import events
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import Actors, make_patient, signed_in


def test_what_was_erased_is_listed_by_ids(app: Flask, client: FlaskClient, actors: Actors) -> None:
    assert erase(client, signed_in(app, actors.ada)).status_code == 200
    said = app.test_cli_runner().invoke(args=["erasures"]).output
    assert said == f"{actors.clinic.id} {actors.ada.id} 2026-05-04T20:00:00+00:00\n"


def test_it_is_erased_again(app: Flask, client: FlaskClient, actors: Actors, clock: Clock, tmp_path: Path) -> None:
    """As in a restored database: she is there, with an alert that was closed since, and nothing says that she left."""
    eve = make_patient(actors.bob, clock())
    kept = tmp_path / "erased"
    kept.write_text(
        f"{actors.clinic.id} {actors.ada.id} 2026-05-01T00:00:00+00:00\n\n"
        f"{actors.elsewhere.id} {eve.id} 2026-05-01T00:00:00+00:00\n"
    )
    for again in (1, 0):
        said = app.test_cli_runner().invoke(args=["erase-again", str(kept)])
        assert (said.exit_code, said.output) == (0, f"Erased again: {again} of 2.\n")
    assert where(str(actors.ada.id)) == {"audit_event", "consent", "erasure"}
    assert one("SELECT erased_at::date::text FROM erasure") == "2026-05-01"
    assert events("action, actor") == [("erased", "operator")]
    # Under another clinic's name nobody is found.
    assert rows("SELECT id FROM patient") == [(eve.id,)]
    assert app.test_cli_runner().invoke(args=["verify-audit"]).exit_code == 0


def test_a_line_that_is_not_ours_is_named_and_nothing_done(app: Flask, actors: Actors, tmp_path: Path) -> None:
    kept = tmp_path / "erased"
    kept.write_text(f"{actors.clinic.id} {actors.ada.id} 2026-05-01T00:00:00+00:00\nnot a line\n")
    said = app.test_cli_runner().invoke(args=["erase-again", str(kept)])
    assert (said.exit_code, said.output) == (1, "Error: Line 2 is not one that erasures printed.\n")
    assert one("SELECT count(*) FROM erasure") == 0
