"""Two items of one patient, craving and mood turned worse up: alike, as the two are, and missed on the same days."""

from dataclasses import replace

import numpy as np

from server.trends.calibration.detection import engine_findings, findings_by_score
from server.trends.calibration.simulation import (
    DAYS,
    NOMINAL,
    ONSET,
    SKIPPED,
    TREATED,
    WORSE,
    Caseload,
    Cell,
    correlated,
    draw_truth,
    gaps,
)
from server.trends.state import Bools

ALIKE = 0.4  # correlation of the two items' noise on a day (assumed)
LEVELS_APART = 1.0  # SD, between patients, of the second item's level about the first's (assumed)
STEP = 2.0


def simulate_pair(
    patients: int, seed: int | tuple[int, ...], moves: tuple[int, int] = (0, 0), cell: Cell = NOMINAL
) -> list[Caseload]:
    """Both items and their mean; an item with 1 in `moves` takes a step at onset."""
    rng = np.random.default_rng(seed)
    truth = draw_truth(rng, patients, cell)
    first, fresh = (correlated(rng, truth.correlation, DAYS) for _ in range(2))
    second = ALIKE * first + np.sqrt(1 - ALIKE**2) * fresh
    apart = rng.normal(0, LEVELS_APART, (patients, 1))
    onset = rng.integers(ONSET[0] - 1, ONSET[1], patients)
    step = STEP * (np.arange(DAYS) >= onset[:, None])
    missed = gaps(rng, rng.uniform(*cell.missing, patients), DAYS)
    sd = truth.sd[:, None]
    levels = (truth.level, truth.level + apart)
    felt = (levels[0] + sd * first + step * moves[0], levels[1] + sd * second + step * moves[1])
    if cell.skips_worse_days:
        worse = np.maximum(felt[0] - levels[0], felt[1] - levels[1]) > WORSE * sd  # either of them is enough
        missed |= worse & (rng.random(missed.shape) < SKIPPED)
    items = [np.where(missed, np.nan, np.clip(np.round(item), 0, 10)) for item in felt]
    one = Caseload(items[0], TREATED, onset, np.full(patients, DAYS))
    return [one, replace(one, ratings=items[1]), replace(one, ratings=(items[0] + items[1]) / 2)]


def each_item(pair: list[Caseload], items: tuple[int, ...], h: float) -> Bools:
    """What the engine finds in each of the items, shape (items, patients, days)."""
    every = np.concatenate([pair[item].ratings for item in items])  # one run of the engine is cheaper than three
    return engine_findings(replace(pair[0], ratings=every), h).reshape(len(items), *pair[0].ratings.shape)


def occasions(spoken: Bools) -> Bools:
    """Days on which any of the items speaks, more than 7 days after the last such day."""
    return findings_by_score(np.where(spoken.any(axis=0), 1.0, np.nan), 1.0)
