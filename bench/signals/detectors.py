"""The table of detectors, the trend engine's own first, all asked in one way: which findings at this limit?

A watch has all of a caseload's ratings prepared, and gives the findings, shape (patients, days), for any limit. A
CUSUM begins anew at each finding, so its findings are worked out afresh for each limit, and the engine's by running
the engine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bench.signals import fixed, learning
from bench.signals.changepoint import change_point
from bench.signals.charts import findings_by_cusum
from bench.signals.oracle import oracle
from server.trends.calibration.detection import ENGINE_LIMITS, Watch, engine_findings, findings_by_score
from server.trends.calibration.simulation import Caseload
from server.trends.state import Floats

Score: TypeAlias = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Detector:
    name: str
    watch: Callable[[Caseload], Watch]
    limits: tuple[float, float]  # so low that everything is a finding, so high that nothing is
    knows_truth: bool = False


def _engine(caseload: Caseload) -> Watch:
    return lambda h: engine_findings(caseload, h)


def _oracle(caseload: Caseload) -> Watch:
    if caseload.truth is None:
        raise ValueError("only simulated patients have a truth that the oracle could know")
    earlier, today = oracle(caseload.ratings, caseload.truth)
    return lambda h: findings_by_cusum(earlier, h, today)


def scored(score: Score) -> Callable[[Caseload], Watch]:
    """A finding on any day whose score is at the limit."""

    def watch(caseload: Caseload) -> Watch:
        scores = score(caseload.ratings)
        return lambda h: findings_by_score(scores, h)

    return watch


def summed(score: Score) -> Callable[[Caseload], Watch]:
    """A finding when the CUSUM of the steps is at the limit."""

    def watch(caseload: Caseload) -> Watch:
        steps = score(caseload.ratings)
        return lambda h: findings_by_cusum(steps, h)

    return watch


def _level(ratings: Floats) -> Floats:
    return ratings


def _baseline_steps(ratings: Floats) -> Floats:
    return fixed.baseline_deviates(ratings) - learning.SLACK


ENGINE = Detector("trend engine", _engine, ENGINE_LIMITS)
EWMA = Detector("EWMA, first-week baseline", scored(fixed.ewma), (0.0, 60.0))
ORACLE = Detector("oracle", _oracle, (0.1, 60.0), knows_truth=True)
DETECTORS = (
    ENGINE,
    Detector("level", scored(_level), (0.0, 10.5)),
    Detector("week over week", scored(fixed.week_over_week), (0.0, 10.5)),
    EWMA,
    Detector("CUSUM, first-week baseline", summed(_baseline_steps), (0.1, 400.0)),
    Detector("CUSUM, self-starting", summed(learning.self_starting), (0.1, 60.0)),
    Detector("Theil-Sen, 21 days", scored(learning.theil_sen), (0.0, 10.0)),
    Detector("Kalman level, CUSUM", summed(learning.local_level), (0.1, 60.0)),
    Detector("Bayesian change point", scored(change_point), (-28.0, 28.0)),
    ORACLE,
)
