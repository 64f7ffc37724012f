"""`flask replay`: diaries through the whole system, in a clinic that mails nobody."""

from email.message import EmailMessage
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

from server.extensions import db
from server.jobs import assessing
from server.models import CheckIn, Patient
from server.scope import enter
from tests.conftest import Clock
from tests.database import one

STEADY = (3, 4, 3, 2) * 4
WORSE = (7, 8, 7, 8, 7, 8, 9)


def write(folder: Path) -> Path:
    """Ada gets worse from day 17 on; Ben is steady; one line is bad."""
    lines = ["person,day,craving,distress"]
    lines += [f"Ada,{day},{craving},1" for day, craving in enumerate(STEADY + WORSE, start=1)]
    lines += [f"Ben,{day},{craving},1" for day, craving in enumerate((*STEADY, *STEADY[:7]), start=1)]
    path = folder / "diaries.csv"
    path.write_text("\n".join([*lines, "Ben,99,much,1"]) + "\n", encoding="utf-8")
    return path


def test_a_replay_lists_its_alerts_and_totals(app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner().invoke(args=["replay", str(write(tmp_path)), "--skip", "distress"])
    assert result.exit_code == 0, result.output
    assert "line 48 left out: craving: not a number" in result.output
    assert "2 people, 46 check-ins, 1 bad lines, 0 people whose assessment failed." in result.output
    (row,) = [line for line in result.output.splitlines() if line.startswith("Ada") and "craving_rising" in line]
    assert row.split()[:3] == ["Ada", "18", "craving_rising"]
    assert "Craving averaged" in row
    (severe,) = [line for line in result.output.splitlines() if "craving_severe " in line]
    assert severe.split()[:2] == ["Ada", "23"]
    assert not [line for line in result.output.splitlines() if line.startswith("Ben")]


def test_a_replay_mails_nobody_and_no_tick_touches_it(
    app: Flask, tmp_path: Path, clock: Clock, outbox: list[EmailMessage]
) -> None:
    app.test_cli_runner().invoke(args=["replay", str(write(tmp_path)), "--skip", "distress"])
    assert (one("SELECT count(*) FROM alert"), one("SELECT count(*) FROM alert_email")) == (2, 0)
    clock.pass_by(days=3)
    assert assessing.enqueue_due(clock()) == 0
    assert outbox == []


def test_its_people_days_and_ratings_are_those_of_the_file(app: Flask, tmp_path: Path, clock: Clock) -> None:
    app.test_cli_runner().invoke(args=["replay", str(write(tmp_path)), "--skip", "distress"])
    enter(one("SELECT id FROM clinic"))
    people = {patient.reference: patient.id for patient in db.session.scalars(select(Patient))}
    assert set(people) == {"Ada", "Ben"}
    ratings = db.session.scalars(
        select(CheckIn.craving).where(CheckIn.patient_id == people["Ada"], CheckIn.counts).order_by(CheckIn.day)
    ).all()
    assert [int(rating or -1) for rating in ratings] == [*STEADY, *WORSE]
    last = db.session.scalar(select(func.max(CheckIn.day)))
    assert last is not None
    assert last < clock().date()


def test_an_unknown_column_or_an_empty_file_stops_it(app: Flask, tmp_path: Path) -> None:
    refused = app.test_cli_runner().invoke(args=["replay", str(write(tmp_path))])
    assert (refused.exit_code, "Unknown column: distress" in refused.output) == (1, True)
    empty = tmp_path / "empty.csv"
    empty.write_text("person,day,mood\n", encoding="utf-8")
    nothing = app.test_cli_runner().invoke(args=["replay", str(empty)])
    assert (nothing.exit_code, "no line to replay" in nothing.output) == (1, True)
    assert one("SELECT count(*) FROM clinic") == 0


def test_a_gap_is_silence_and_the_end_of_a_diary_is_not(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "gap.csv"
    lines = [f"Ada,{day},{STEADY[day % 4]}" for day in (*range(1, 31), *range(45, 50))]
    lines += [f"Ben,{day},{STEADY[day % 4]}" for day in range(1, 31)]
    path.write_text("\n".join(["person,day,craving", *lines]) + "\n", encoding="utf-8")
    result = app.test_cli_runner().invoke(args=["replay", str(path)])
    silent = [
        line.split()[:3] for line in result.output.splitlines() if "gone_silent" in line and "No check-in" in line
    ]
    assert {row[0] for row in silent} == {"Ada"}
    assert silent[0] == ["Ada", "33", "gone_silent"]
