"""The control charts' steps, and the findings of a CUSUM."""

import numpy as np

from server.trends.calibration.detection import NEVER
from server.trends.cusum import REFRACTORY_DAYS
from server.trends.state import Bools, Floats


def cusum_step(cusum: Floats, step: Floats) -> Floats:
    """Page (1954), Continuous inspection schemes, Biometrika 41: `step` is the deviate less the slack."""
    return np.maximum(0.0, cusum + step)


def ewma_step(ewma: Floats, deviate: Floats, weight: float) -> Floats:
    """Roberts (1959), Control chart tests based on geometric moving averages, Technometrics 1."""
    return ewma + weight * (deviate - ewma)


def findings_by_cusum(steps: Floats, h: float, fresh: Floats | None = None) -> Bools:
    """Findings, shape (patients, days), of a CUSUM of `steps`: it begins anew at a finding; NaN leaves it where it is.

    `fresh`: what the step would be if the change were on this very day (for the oracle).
    """
    fired = np.zeros(steps.shape, np.bool_)
    last, cusum = np.full(len(steps), NEVER), np.zeros(len(steps))
    for day in range(steps.shape[1]):
        rated = np.isfinite(steps[:, day])
        grown = cusum_step(cusum, steps[:, day])
        if fresh is not None:
            grown = np.maximum(grown, fresh[:, day])
        cusum = np.where(rated, grown, cusum)
        fired[:, day] = rated & (cusum >= h) & (day - last > REFRACTORY_DAYS)
        cusum[fired[:, day]] = 0.0
        last[fired[:, day]] = day
    return fired
