"""`flask outage` and `flask outages`."""

import pytest
from click.testing import Result
from flask import Flask

from server.extensions import db
from tests.conftest import Clock
from tests.database import digest, rows

MAY_3 = ("--from", "2026-05-03T10:00+02:00", "--to", "2026-05-03T09:30Z")


def run(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=args)


def test_an_outage_is_recorded_once_and_listed(app: Flask, clock: Clock) -> None:
    assert run(app, "outages").output == "No outage is recorded.\n"
    assert (run(app, "outage", *MAY_3).exit_code, run(app, "outage", *MAY_3).output) == (0, "It is recorded already.\n")
    assert run(app, "outage", "--from", "2026-05-04T01:15Z", "--to", "2026-05-04T07:00-05:00").output == "Recorded.\n"
    assert rows("SELECT source, recorded_at FROM outage") == [("operator", clock())] * 2
    assert run(app, "outages").output.splitlines() == [
        "from              to                 hours  by",
        "2026-05-04 01:15  2026-05-04 12:00    10.8  operator",
        "2026-05-03 08:00  2026-05-03 09:30     1.5  operator",
    ]


@pytest.mark.parametrize(
    ("began", "ended", "words"),
    [
        ("2026-05-03T10:00", "2026-05-03T11:00Z", "without its offset"),
        ("yesterday", "2026-05-03T11:00Z", "not an instant"),
        ("2026-05-03T11:00Z", "2026-05-03T11:00Z", "An outage ends after it begins."),
        ("2026-05-03T11:00Z", "2026-05-03T10:00Z", "An outage ends after it begins."),
        ("2026-05-03T11:00Z", "2026-05-05T10:00Z", "this end is in the future"),
        ("2025-05-03T11:00Z", "2026-05-03T10:00Z", "longer than 31 days"),
        ("2026-05-03T10:00+02:00", "2026-05-03T10:30Z", "another end is recorded already"),
    ],
)
def test_what_cannot_be_is_refused(app: Flask, began: str, ended: str, words: str) -> None:
    run(app, "outage", *MAY_3)
    db.session.rollback()
    before = digest()
    result = run(app, "outage", "--from", began, "--to", ended)
    assert result.exit_code in (1, 2)
    assert words in result.output
    assert digest() == before
