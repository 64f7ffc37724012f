"""The detectors that look at the ratings themselves, or at a baseline that is set once and never learns.

Each takes ratings of shape (patients, days), worse up and NaN where missed, and gives an array of the same shape.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bench.signals.charts import ewma_step
from server.trends.state import PRIOR_SD, PRIOR_WEIGHT, Bools, Floats

BASELINE_DAYS, LEAST_RATINGS = 7, 3
WEEK, FEWEST_A_WEEK = 7, 2
EWMA_WEIGHT = 0.2


def baseline_deviates(ratings: Floats) -> Floats:
    """SDs above the mean of the first week, NaN in that week.

    The SD leans on the same prior as the engine's: five ratings alone say too little of it. Someone who gave fewer
    than LEAST_RATINGS in the week has the first so many instead.
    """
    rated = np.isfinite(ratings)
    early = np.arange(ratings.shape[1]) < BASELINE_DAYS
    basis = rated & (early | (rated.cumsum(axis=1) <= LEAST_RATINGS))
    count = np.maximum(basis.sum(axis=1), 1)
    mean = np.where(basis, ratings, 0.0).sum(axis=1) / count
    squares = np.where(basis, (ratings - mean[:, None]) ** 2, 0.0).sum(axis=1)
    sd = np.sqrt((PRIOR_WEIGHT * PRIOR_SD**2 + squares) / (PRIOR_WEIGHT + count - 1))
    deviates: Floats = np.where(basis, np.nan, (ratings - mean[:, None]) / sd[:, None])
    return deviates


def ewma(ratings: Floats) -> Floats:
    """An EWMA of those deviates, in its own long-run SDs, on answered days."""
    deviates = baseline_deviates(ratings)
    scores: Floats = np.full(ratings.shape, np.nan)
    now = np.zeros(len(ratings))
    for day in range(ratings.shape[1]):
        rated = np.isfinite(deviates[:, day])
        now = np.where(rated, ewma_step(now, deviates[:, day], EWMA_WEIGHT), now)
        scores[rated, day] = now[rated]
    return scores / math.sqrt(EWMA_WEIGHT / (2 - EWMA_WEIGHT))


def week_over_week(ratings: Floats) -> Floats:
    """Points by which the last 7 days' mean is above that of the 7 days before, on answered days."""
    rated = np.isfinite(ratings)
    mean, enough = _weeks(ratings, rated)
    change = np.full(ratings.shape, np.nan)
    change[:, WEEK:] = mean[:, WEEK:] - mean[:, :-WEEK]
    enough[:, WEEK:] &= enough[:, :-WEEK]
    return np.where(enough & rated, change, np.nan)


def _weeks(ratings: Floats, rated: Bools) -> tuple[Floats, Bools]:
    """The mean of the 7 days that end on each day, and whether enough of them were answered."""
    padded = np.pad(np.where(rated, ratings, 0.0), ((0, 0), (WEEK - 1, 0)))
    counted = np.pad(rated, ((0, 0), (WEEK - 1, 0)))
    total = sliding_window_view(padded, WEEK, axis=1).sum(axis=2)
    count = sliding_window_view(counted, WEEK, axis=1).sum(axis=2)
    mean: Floats = total / np.maximum(count, 1)
    return mean, count >= FEWEST_A_WEEK
