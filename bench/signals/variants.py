"""What was tried to beat the engine: its own equations with other figures, and with a little more state.

This copy of the engine exists only to be changed. With nothing changed it finds exactly what the engine finds,
which the tests hold it to. Every variant costs the same: a few more operations and at most three more numbers.
"""

from dataclasses import dataclass

import numpy as np

from bench.signals.detectors import Detector
from bench.signals.learning import normal_deviate
from server.trends import cusum as engine
from server.trends.calibration.detection import ENGINE_LIMITS, NEVER, Watch
from server.trends.calibration.simulation import Caseload
from server.trends.state import PRIOR_SD, PRIOR_WEIGHT, Bools, Floats

FADING = 0.98  # of a learnt slope, per rating
FALL = 4.0  # SDs summed downwards at which `after_fall` applies


@dataclass(frozen=True, slots=True)
class Variant:
    """The engine's figures, and what it does not have; see `Course`."""

    name: str
    slack: float = engine.SLACK
    memory: float = engine.MEAN_MEMORY
    variance_memory: float = engine.VARIANCE_MEMORY
    farthest: float = engine.FARTHEST
    prior_weight: float = PRIOR_WEIGHT
    drift: float = engine.DRIFT
    warm_up: int = engine.WARM_UP
    guard: float = 1.0  # the baseline's gain while the sum is above 0
    falls: float = 1.0  # and its gain when a rating is better than expected
    after_fall: float | None = None  # ratings' worth of baseline kept after a sustained fall
    slope: float = 0.0  # gain of a slope that the baseline follows, relative to its own gain
    correlation: float = 0.0  # assumed from one day to the next; the sum is then of likelihood ratios
    second: tuple[float, float] | None = None  # slack of a second sum, and its limit relative to h


VARIANTS = (
    Variant("as it is"),
    Variant("slack .4", slack=0.4),
    Variant("slack .6", slack=0.6),
    Variant("memory .94", memory=0.94),
    Variant("memory .98", memory=0.98),
    Variant("SD never forgets", variance_memory=1.0),
    Variant("cut at 2 SDs", farthest=2.0),
    Variant("cut at 3 SDs", farthest=3.0),
    Variant("prior SD weighs 20", prior_weight=20.0),
    Variant("no drift", drift=0.0),
    Variant("drift .03", drift=0.03),
    Variant("warm-up 8", warm_up=8),
    Variant("learns half while C > 0", guard=0.5),
    Variant("falls x1.25", falls=1.25),
    Variant("falls x1.5", falls=1.5),
    Variant("falls x2", falls=2.0),
    Variant("forgets after a fall", after_fall=6.0),
    Variant("two speeds", second=(1.0, 0.6)),
    Variant("correlation .2 assumed", correlation=0.2),
    Variant("correlation .4 assumed", correlation=0.4),
    Variant("slope .015", slope=0.015),
    Variant("slope .03", slope=0.03),
    Variant("slope .015, slack .4", slope=0.015, slack=0.4),
    Variant("slope, slack .4, corr. .2", slope=0.015, slack=0.4, correlation=0.2),
    Variant("falls x1.5, slope .015", falls=1.5, slope=0.015),
    Variant("falls x1.5, corr. .2", falls=1.5, correlation=0.2),
    Variant("falls x2, corr. .2", falls=2.0, correlation=0.2),
)
AS_IT_IS = VARIANTS[0]
BEST = tuple(variant for variant in VARIANTS if variant.name in {"falls x1.25", "falls x1.5", "falls x1.5, corr. .2"})


class Course:
    """One caseload under one variant, a day at a time; arrays of shape (patients,), named as in the engine."""

    def __init__(self, patients: int, variant: Variant) -> None:
        self.by = variant
        self.mean, self.weight, self.cusum, self.second = np.zeros((4, patients))
        self.fallen, self.slope, self.residual = np.zeros((3, patients))  # only for variants
        self.variance_weight = np.full(patients, variant.prior_weight)
        self.variance_sum = self.variance_weight * PRIOR_SD**2
        self.check_ins = np.zeros(patients, np.int64)
        self.alerted = np.full(patients, NEVER)
        self.gap = np.full(patients, np.inf)  # days since the last rating

    def advance(self, day: int, rating: Floats, treatment_day: int, h: float) -> Bools:
        """One day, as the engine's `advance`."""
        rated = np.isfinite(rating)
        if 0 < treatment_day <= engine.DRIFT_DAYS:
            self.mean = np.where(self.mean > engine.DRIFT_FLOOR, self.mean - self.by.drift, self.mean)
        self.mean = np.where(rated & (self.check_ins == 0), rating, self.mean + self.slope)
        self.gap += 1
        x = np.where(rated, rating, self.mean)
        variance = np.maximum(self.variance_sum / self.variance_weight, engine.LEAST_VARIANCE)
        judged = rated & (self.check_ins >= self.by.warm_up)
        z, fired = self._judge(day, x, variance, judged, h)
        self._learn(x, z, np.sqrt(variance), rated, judged)
        return fired

    def _judge(self, day: int, x: Floats, variance: Floats, judged: Bools, h: float) -> tuple[Floats, Bools]:
        kept: Floats = np.power(self.by.correlation, self.gap)  # 0 without a correlation, as a gap is 1 at least
        fresh = np.sqrt(1 - kept**2)
        spread = np.sqrt(variance * (1.0 + 1.0 / np.maximum(self.weight, 1.0)))
        z = normal_deviate((x - self.mean - kept * self.residual) / spread / fresh, self.variance_weight)
        z = np.sign(z) * np.minimum(np.abs(z), self.by.farthest)
        self.cusum = np.where(judged, np.maximum(0.0, self._grown(z, kept, fresh)), self.cusum)
        over = self.cusum >= h
        if self.by.second:
            slack, relative = self.by.second
            self.second = np.where(judged, np.maximum(0.0, self.second + z - slack), self.second)
            over |= self.second >= h * relative
        fired = judged & over & (day - self.alerted > engine.REFRACTORY_DAYS)
        self.cusum, self.second = self.cusum * ~fired, self.second * ~fired
        self.alerted[fired] = day
        return z, fired

    def _grown(self, z: Floats, kept: Floats, fresh: Floats) -> Floats:
        """The sum with today's deviate, which holds a change whole if it came today, and later only in part."""
        slack = self.by.slack
        if not self.by.correlation:
            return self.cusum + z - slack
        later, today = (1 - kept) / fresh, 1 / fresh
        return np.maximum(self.cusum + later * z - slack * later**2, today * z - slack * today**2)

    def _learn(self, x: Floats, z: Floats, sd: Floats, rated: Bools, judged: Bools) -> None:
        by, most = self.by, engine.OUTLIER * sd
        weight = by.memory * self.weight + 1.0
        if by.after_fall is not None:
            self.fallen = np.where(judged, np.maximum(0.0, self.fallen - z - by.slack), self.fallen)
            weight = np.where(self.fallen >= FALL, np.minimum(weight, by.after_fall), weight)
            self.fallen *= self.fallen < FALL
        deviation = np.minimum(np.maximum(x - self.mean, -most), most)
        gain = np.where(self.cusum > 0, by.guard, 1.0) * np.where(deviation < 0, by.falls, 1.0)
        pulled = deviation / weight * np.where(judged, gain, 1.0)
        mean = self.mean + pulled
        squared = np.abs(deviation) * np.minimum(np.abs(x - mean), most)
        varied = rated & (self.check_ins > 0)
        self.residual = np.where(rated, np.clip(x - self.mean, -by.farthest * sd, by.farthest * sd), self.residual)
        self.slope = np.where(judged, FADING * self.slope + by.slope * pulled, self.slope)
        self.variance_sum = np.where(varied, by.variance_memory * self.variance_sum + squared, self.variance_sum)
        self.variance_weight = np.where(varied, by.variance_memory * self.variance_weight + 1.0, self.variance_weight)
        self.mean, self.weight = mean, np.where(rated, weight, self.weight)
        self.gap[rated] = 0.0
        self.check_ins = self.check_ins + rated


def variant_findings(variant: Variant, caseload: Caseload, h: float) -> Bools:
    """Findings, shape (patients, days)."""
    fired: Bools = np.zeros(caseload.ratings.shape, np.bool_)
    course = Course(len(fired), variant)
    for day in range(fired.shape[1]):
        fired[:, day] = course.advance(day + 1, caseload.ratings[:, day], int(caseload.treatment_day[day]), h)
    return fired


def as_detector(variant: Variant) -> Detector:
    """The variant as one more row of the table."""

    def watch(caseload: Caseload) -> Watch:
        return lambda h: variant_findings(variant, caseload, h)

    return Detector(variant.name, watch, ENGINE_LIMITS)
