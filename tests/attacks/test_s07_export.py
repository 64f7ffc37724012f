"""S7: a note that a spreadsheet would run is text in the export, and the same text in JSON."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.services.raising import raise_findings
from server.services.spreadsheets import cell
from tests.archive import export_of
from tests.attacks.test_s07_injection import HOSTILE
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, check_in_body, course_body, finding, new_id, signed_in

FORMULAS = (
    "=1+1",
    "=cmd|'/C calc'!A0",
    "+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b=1",
    "\uff1d1",
    "\uff0b1",
    "\uff20SUM(1)",
    'well";=HYPERLINK("http://evil.example","x")',
    "well;=1",
    "well\t=1",
    "well|=1",
    "well\n=1",
    "well\r\n -1",
    '";=1',
    "\ttab",
    "\rreturn",
)
HARMLESS = ("a quiet day", "2 + 2 = 4", "mail me: ada@home.example", "up-and-down", "'quoted", "a; b", "", "x\ny")
# Set to another separator than the comma, a spreadsheet finds cells behind each of these, quotation marks or not.
ELSEWHERE = re.compile(r"[;|\t\r\n]")
RUNS = re.compile(r"[\"\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def test_a_text_that_would_run_is_a_text(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    texts = [*FORMULAS, *HOSTILE]
    ada, bob = signed_in(app, actors.ada), signed_in(app, actors.bob)
    patient = f"/v1/patients/{actors.ada.id}"
    for place, text in enumerate(texts):
        said = check_in_body(clock() - timedelta(minutes=len(texts) - place), note=text)
        assert client.put(f"/v1/check-ins/{new_id()}", json=said, headers=ada).status_code == 201
        assert client.post(f"{patient}/courses", json=course_body(protocol=text), headers=bob).status_code == 201
        clock.pass_by(seconds=1)
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    alert = one("SELECT id FROM alert")
    for method, url, body in (
        ("PATCH", patient, {"reference": texts[0]}),
        ("POST", f"/v1/alerts/{alert}/resolve", {"outcome": "referred", "note": texts[1]}),
    ):
        assert client.open(url, method=method, json=body, headers=bob).status_code == 200, url

    found = export_of(app, client, actors.ada)
    for part, name, written in (
        *(("check_ins", "note", texts), ("courses", "protocol", texts)),
        *(("profile", "reference", texts[:1]), ("alerts", "outcome_note", texts[1:2])),
    ):
        assert [row[name] for row in found.rows[part]] == written
        shown = [row[name] for row in found.sheets[part]]
        assert [text.replace("'", "") for text in shown] == [text.replace("'", "") for text in written]
    for part in found.sheets:
        cells = [text for row in found.sheets[part] for text in row.values() if not NUMBER.fullmatch(text)]
        cells += ELSEWHERE.split(found.raw[f"{part}.csv"].removeprefix("\ufeff"))
        assert [text for text in cells if RUNS.match(text)] == [], part


@pytest.mark.parametrize("text", FORMULAS)
def test_each_of_these_gets_its_apostrophe(text: str) -> None:
    assert cell(text) != text
    assert str(cell(text)).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_runs_nowhere_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_a_number_stays_a_number(app: Flask) -> None:
    assert [cell(value) for value in (-3, -0.5, 7, None, True)] == [-3, -0.5, 7, "", "true"]
    assert cell(["=1", "b"]) == "'=1; b"
    assert cell({"=1": "x"}) == '{"=1": "x"}'
