"""Real diaries as noise: shifts put into them at random onsets, limits from some persons, figures from the others.

What no data here can show is sensitivity to real lapses: the noise is real, the episodes are not.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.signals.detectors import Detector
from bench.signals.measure import TARGETS
from server.trends.calibration.measures import alarm_rate, found_share, limit_for
from server.trends.calibration.simulation import ONSET, Caseload
from server.trends.state import Bools, Floats, Ints

ITEMS = ("craving", "mood")
SHIFTS = (2.0, 3.0)
WINDOW = 14
FIRST_ONSET = ONSET[0]  # day, from 1, as in the simulation: detectors have had their time to learn
LEAST_DAYS = FIRST_ONSET + WINDOW - 1
LEAST_RATINGS, LEAST_PERSONS = 20, 10
ONSETS = 20  # per person


@dataclass(frozen=True, slots=True)
class Diary:
    """One item of one file, of the persons who kept it long enough."""

    name: str
    ratings: Floats  # (persons, days): worse up, NaN where missed or after the last entry
    last: Ints  # (persons,): index of the last entry


@dataclass(frozen=True, slots=True)
class DiaryRow:
    """One detector: means over the splits, and how far they go apart (5th and 95th percentile)."""

    detector: str
    target: float
    alarms: float
    alarms_range: tuple[float, float]
    shares: dict[float, float]  # found in time, by points of shift
    ranges: dict[float, tuple[float, float]]


def read_folder(folder: Path) -> Iterator[Diary | str]:
    """Every usable item of every CSV file; a sentence for what is left out, and why."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            items = [item for item in ITEMS if item in (reader.fieldnames or ())]
            if not items or not {"person", "day"} <= set(reader.fieldnames or ()):
                yield f"{path.name}: left out, it has no columns person, day, and craving or mood."
                continue
            lines = list(reader)
        for item in items:
            yield _diary(f"{path.stem}, {item}", lines, item)


def _diary(name: str, lines: list[dict[str, str]], item: str) -> Diary | str:
    days: dict[str, dict[int, float]] = {}
    try:
        for line in lines:
            if line[item]:
                days.setdefault(line["person"], {})[int(line["day"])] = _worse_up(item, line[item])
    except ValueError as error:
        return f"{name}: left out, {error}."
    kept = [own for own in days.values() if _span(own) >= LEAST_DAYS and len(own) >= LEAST_RATINGS]
    longest = max(map(_span, days.values()), default=0)
    if len(kept) < LEAST_PERSONS:
        return (
            f"{name}: too short. {len(days)} persons, at most {longest} days each; an onset needs "
            f"{FIRST_ONSET - 1} days before it and {WINDOW} after, in at least {LEAST_PERSONS} persons."
        )
    ratings = np.full((len(kept), longest), np.nan)
    for row, own in zip(ratings, kept, strict=True):
        row[np.array(list(own)) - min(own)] = list(own.values())
    return Diary(f"{name} ({len(kept)} of {len(days)} persons)", ratings, np.array([_span(own) - 1 for own in kept]))


def _span(own: dict[int, float]) -> int:
    """Days from a person's first entry to the last, both included."""
    return max(own) - min(own) + 1


def _worse_up(item: str, text: str) -> float:
    rating = float(text)
    if not 0 <= rating <= 10:  # NaN included
        raise ValueError(f"{rating!r} is not a rating from 0 to 10")
    return rating if item == "craving" else 10 - rating


def untouched(diary: Diary) -> Caseload:
    """The diaries as they are. Nobody here was in treatment, so no relief is expected."""
    never = np.full(len(diary.ratings), diary.ratings.shape[1])
    return Caseload(diary.ratings, np.zeros(diary.ratings.shape[1], np.int64), never, diary.last + 1)


def injected(diary: Diary, shift: float, seed: int) -> Caseload:
    """Each person ONSETS times over, `shift` points worse from a random day on, kept within 0-10."""
    rng = np.random.default_rng(seed)
    last = np.repeat(diary.last, ONSETS)
    onset = rng.integers(FIRST_ONSET - 1, last - WINDOW + 2)
    ratings = np.repeat(diary.ratings, ONSETS, axis=0)
    days = np.arange(ratings.shape[1])
    worse = np.clip(ratings + shift * (days >= onset[:, None]), 0, 10)
    return Caseload(worse, np.zeros(len(days), np.int64), onset, last + 1)


def halves(persons: int, splits: int, seed: int) -> Bools:
    """Who is calibrated on, shape (splits, persons); the others are tested on."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(persons) < persons // 2 for _ in range(splits)])


def measure_diary(detector: Detector, diary: Diary, splits: int, seed: int) -> list[DiaryRow]:
    """A row for each rate of false alarms. Every detector has the same splits and the same onsets."""
    quiet = untouched(diary)
    watch = detector.watch(quiet)
    worse = {shift: injected(diary, shift, seed) for shift in SHIFTS}
    on_worse = {shift: detector.watch(caseload) for shift, caseload in worse.items()}
    rows = []
    for target in TARGETS:
        alarms, shares = [], {shift: list[float]() for shift in SHIFTS}
        for calibrate in halves(len(diary.ratings), splits, seed):
            test = ~calibrate
            h = limit_for(watch, quiet.watched, target, detector.limits, calibrate)
            alarms.append(alarm_rate(watch(h)[test], quiet.watched[test]).value)
            again = np.repeat(test, ONSETS)
            for shift, caseload in worse.items():
                found = found_share(on_worse[shift](h)[again], caseload.onset[again], WINDOW)
                shares[shift].append(found.share.value)
        rows.append(_row(detector.name, target, alarms, shares))
    return rows


def _row(name: str, target: float, alarms: list[float], shares: dict[float, list[float]]) -> DiaryRow:
    return DiaryRow(
        name,
        target,
        float(np.mean(alarms)),
        _spread(alarms),
        {shift: float(np.mean(found)) for shift, found in shares.items()},
        {shift: _spread(found) for shift, found in shares.items()},
    )


def _spread(values: list[float]) -> tuple[float, float]:
    low, high = np.percentile(values, [5, 95])
    return float(low), float(high)
