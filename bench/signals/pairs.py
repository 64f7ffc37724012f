"""Two items of one patient, craving and mood turned worse up: which way of watching both finds most?

A rule's findings are the days on which any of its detectors speaks; limits are set so that each rule has the same
false alarms per patient-month.
"""

from dataclasses import dataclass
from functools import partial

from bench.signals.detectors import ENGINE
from server.trends.calibration.measures import Found, alarm_rate, found_share, limit_for
from server.trends.calibration.pairs import each_item, occasions, simulate_pair
from server.trends.calibration.simulation import Caseload
from server.trends.state import Bools

WINDOW = 14
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


def rule_findings(pair: list[Caseload], items: tuple[int, ...], h: float) -> Bools:
    """Days on which any of the watched items speaks, more than 7 days after the last."""
    return occasions(each_item(pair, items, h))


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
