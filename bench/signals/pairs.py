"""Two items of one patient, craving and mood turned worse up: which way of watching both finds most?

A rule's findings are the days on which any of its detectors speaks; limits are set so that each rule has the same
false alarms per patient-month.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.signals.charts import findings_by_score
from bench.signals.detectors import ENGINE, engine_findings
from bench.signals.measure import Found, alarm_rate, found_share, limit_for
from bench.signals.simulate import DAYS, NOMINAL, ONSET, TREATED, Caseload, correlated, draw_truth, gaps
from server.trends.state import Bools

ALIKE = 0.4  # correlation of the two items' noise on a day (assumed)
LEVELS_APART = 1.0  # SD, between patients, of the second item's level about the first's (assumed)
STEP, WINDOW = 2.0, 14
WHO_MOVES = {"both": (1, 1), "one": (1, 0)}  # the items are alike, so either one alone is the same
# The items that each rule watches, one detector for each: 0, 1, and 2 for the mean of both.
RULES = {
    "one item": (0,),
    "either item": (0, 1),
    "their mean": (2,),
    "either item or their mean": (0, 1, 2),
}


@dataclass(frozen=True, slots=True)
class PairRow:
    """One rule at its limit: what it finds when both items move, and when one does."""

    rule: str
    h: float
    alarms: float
    found: dict[str, Found]


def simulate_pair(patients: int, seed: int | tuple[int, ...], moves: tuple[int, int]) -> list[Caseload]:
    """Both items and their mean; an item with 1 in `moves` takes a step at onset."""
    rng = np.random.default_rng(seed)
    truth = draw_truth(rng, patients, NOMINAL)
    first, fresh = (correlated(rng, truth.correlation, DAYS) for _ in range(2))
    second = ALIKE * first + np.sqrt(1 - ALIKE**2) * fresh
    apart = rng.normal(0, LEVELS_APART, (patients, 1))
    onset = rng.integers(ONSET[0] - 1, ONSET[1], patients)
    step = STEP * (np.arange(DAYS) >= onset[:, None])
    missed = gaps(rng, rng.uniform(*NOMINAL.missing, patients), DAYS)
    sd = truth.sd[:, None]
    felt = (truth.level + sd * first + step * moves[0], truth.level + apart + sd * second + step * moves[1])
    items = [np.where(missed, np.nan, np.clip(np.round(item), 0, 10)) for item in felt]
    one = Caseload(items[0], TREATED, onset, np.full(patients, DAYS))
    return [one, replace(one, ratings=items[1]), replace(one, ratings=(items[0] + items[1]) / 2)]


def rule_findings(pair: list[Caseload], items: tuple[int, ...], h: float) -> Bools:
    """Days on which any of the watched items speaks, more than 7 days after the last."""
    every = np.concatenate([pair[item].ratings for item in items])  # one run of the engine is cheaper than three
    spoken = engine_findings(replace(pair[0], ratings=every), h).reshape(len(items), *pair[0].ratings.shape)
    return findings_by_score(np.where(spoken.any(axis=0), 1.0, np.nan), 1.0)


def measure_pairs(patients: int, seed: int, target: float) -> list[PairRow]:
    """Every rule at `target` false alarms, calibrated on other patients than it is tested on."""
    calibration = simulate_pair(patients, (seed, 0), (0, 0))
    controls = simulate_pair(patients, (seed, 1), (0, 0))
    episodes = {name: simulate_pair(patients, (seed, 2), moves) for name, moves in WHO_MOVES.items()}
    rows = []
    for rule, items in RULES.items():
        days = controls[0].watched
        h = limit_for(partial(rule_findings, calibration, items), days, target, ENGINE.limits)
        found = {
            name: found_share(rule_findings(pair, items, h), pair[0].onset, WINDOW) for name, pair in episodes.items()
        }
        rows.append(PairRow(rule, h, alarm_rate(rule_findings(controls, items, h), days).value, found))
    return rows
