"""Diaries from a folder: what is read, what is left out and why, and what is put into them."""

from pathlib import Path

import numpy as np
import pytest

from bench.signals.detectors import ENGINE, ORACLE
from bench.signals.diaries import (
    FIRST_ONSET,
    ONSETS,
    WINDOW,
    Diary,
    halves,
    injected,
    measure_diary,
    read_folder,
    untouched,
)
from bench.signals.measure import TARGETS

PERSONS, DAYS = 24, 70


def write_diary(path: Path, column: str, persons: int, days: int) -> None:
    rng = np.random.default_rng(1)
    lines = [
        f"P{person},{day},{min(10, max(0, round(rng.normal(6, 1.6))))},x"
        for person in range(persons)
        for day in range(1, days + 1)
        if rng.random() < 0.8
    ]
    path.write_text("\n".join([f"person,day,{column},note", *lines]) + "\n")


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    write_diary(tmp_path / "long.csv", "mood", PERSONS, DAYS)
    (found,) = read_folder(tmp_path)
    assert isinstance(found, Diary)
    return found


def test_what_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    write_diary(tmp_path / "brief.csv", "craving", PERSONS, 8)
    (tmp_path / "other.csv").write_text("person,recorded_at,intensity\n")
    (tmp_path / "empty.csv").write_text("person,day,mood\n")
    (tmp_path / "wrong.csv").write_text("person,day,mood\nP1,1,eleven\n")
    brief, empty, other, wrong = read_folder(tmp_path)
    assert str(brief).startswith("brief, craving: too short. 24 persons, at most 8 days each")
    assert str(empty).startswith("empty, mood: too short. 0 persons")
    assert other == "other.csv: left out, it has no columns person, day, and craving or mood."
    assert str(wrong).startswith("wrong, mood: left out, could not convert")


def test_a_mood_is_turned_so_that_worse_is_up(diary: Diary) -> None:
    assert np.nanmean(diary.ratings) == pytest.approx(4.0, abs=0.1)


def test_a_shift_is_put_in_where_there_are_days_on_both_sides(diary: Diary) -> None:
    quiet, worse = untouched(diary), injected(diary, 2.0, seed=3)
    again = np.repeat(quiet.ratings, ONSETS, axis=0)
    changed = np.nan_to_num(worse.ratings - again)
    days = np.arange(DAYS)
    assert not changed[days < worse.onset[:, None]].any()
    assert (changed[(days >= worse.onset[:, None]) & (again <= 8)] == 2).all()
    assert worse.onset.min() >= FIRST_ONSET - 1
    assert (worse.onset + WINDOW - 1 <= np.repeat(diary.last, ONSETS)).all()


def test_nobody_is_calibrated_and_tested_on_at_once(diary: Diary) -> None:
    split = halves(PERSONS, splits=5, seed=4)
    assert split.shape == (5, PERSONS)
    assert (split.sum(axis=1) == PERSONS // 2).all()


def test_a_detector_is_measured_at_every_rate(diary: Diary) -> None:
    rows = measure_diary(ENGINE, diary, splits=2, seed=5)
    assert [row.target for row in rows] == list(TARGETS)
    assert rows[0].shares[3.0] > rows[0].shares[2.0] > 0.5
    assert rows[2].alarms > rows[0].alarms


def test_real_people_have_no_oracle(diary: Diary) -> None:
    with pytest.raises(ValueError, match="only simulated patients"):
        ORACLE.watch(untouched(diary))
