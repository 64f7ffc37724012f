"""What could be found at best: a CUSUM that is told each patient's true level, SD, correlation and weekends."""

from statistics import NormalDist

import numpy as np

from server.trends.calibration.simulation import Truth
from server.trends.state import Floats

SHIFT = 2.0  # points: the step that it looks for
# Equally likely standard normal deviates: with them, the mean and SD of a rounded and clipped rating are sums.
NODES = np.array([NormalDist().inv_cdf((node + 0.5) / 16) for node in range(16)])
NODES /= NODES.std()


def oracle(ratings: Floats, truth: Truth) -> tuple[Floats, Floats]:
    """Log likelihood ratios of each rating, shape (patients, days): if the change came earlier, and if today.

    The noise goes on from the last rating, so a change shows whole on its first day only, and afterwards in so
    far as the noise has been forgotten: Basseville & Nikiforov (1993), Detection of abrupt changes, 7.2.
    """
    earlier, today = np.full(ratings.shape, np.nan), np.full(ratings.shape, np.nan)
    patients = len(ratings)
    last, gap = np.zeros(patients), np.full(patients, np.inf)
    for day in range(ratings.shape[1]):
        x, level = ratings[:, day], truth.level[:, day]
        gap = gap + 1
        kept = np.where(np.isinf(gap), 0.0, truth.correlation ** np.minimum(gap, 1e3))
        mean, sd = _rating_of(level + kept * last, truth.sd * np.sqrt(1 - kept**2))
        z = (x - mean) / sd
        for ratio, shift in ((earlier, SHIFT * (1 - kept) / sd), (today, SHIFT / sd)):
            ratio[:, day] = shift * z - shift**2 / 2
        rated = np.isfinite(x)
        last, gap = np.where(rated, x - level, last), np.where(rated, 0.0, gap)
    return earlier, today


def _rating_of(level: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Mean and SD of a rating whose unrounded, unclipped value is normal."""
    drawn = np.clip(np.round(level[:, None] + sd[:, None] * NODES), 0, 10)
    # A rating that is all but certain to be 0 must not make a 1 infinitely surprising.
    return drawn.mean(axis=1), np.maximum(drawn.std(axis=1), 0.5)
