"""The detectors that learn the person's level as they go.

Each takes ratings of shape (patients, days), worse up and NaN where missed, and gives an array of the same shape.
"""

import numpy as np

from server.trends.state import PRIOR_SD, PRIOR_WEIGHT, Floats

SLACK = 0.5  # SDs a day that a CUSUM forgives, as the engine's does
WARM_UP = 5  # earlier ratings before a detector may speak
LEAST_SD = 0.5
LEVEL_NOISE = 0.005  # variance of the level's daily step over that of a rating
WINDOW, FEWEST = 21, 11  # days of the slope, and the ratings that it needs (tuned on seeds of its own)


def normal_deviate(t: Floats, freedom: Floats) -> Floats:
    """The normal deviate as surprising as Student's t (Wallace 1959), for 1 degree of freedom and up."""
    v = np.maximum(freedom, 1.0)
    size: Floats = np.sign(t) * (8 * v + 1) / (8 * v + 3) * np.sqrt(v * np.log1p(t * t / v))
    return size


def self_starting(ratings: Floats) -> Floats:
    """Hawkins (1987): each rating against the mean and SD of all before it. CUSUM steps, NaN during warm-up."""
    steps = np.full(ratings.shape, np.nan)
    count, mean, squares = np.zeros((3, len(ratings)))
    for day in range(ratings.shape[1]):
        x = ratings[:, day]
        rated = np.isfinite(x)
        sd = np.maximum(np.sqrt(squares / np.maximum(count - 1, 1)), LEAST_SD)
        t = (x - mean) / sd * np.sqrt(count / (count + 1))
        steps[:, day] = np.where(count >= WARM_UP, normal_deviate(t, count - 1) - SLACK, np.nan)
        deviation = np.where(rated, x - mean, 0.0)
        count = count + rated
        mean = mean + deviation / np.maximum(count, 1)
        squares = squares + deviation * np.where(rated, x - mean, 0.0)
    return steps


def local_level(ratings: Floats) -> Floats:
    """Kalman filter of a level that wanders day by day; CUSUM steps of its standardised innovations.

    Harvey (1989), Forecasting, structural time series models and the Kalman filter, 2.2. Its one free figure,
    LEVEL_NOISE, was tuned for it on seeds of its own; the scale is learnt with the engine's prior.
    """
    steps = np.full(ratings.shape, np.nan)
    level, count = np.zeros((2, len(ratings)))
    doubt = np.full(len(ratings), 1e4)  # variance of the level, in those of a rating: nothing known yet
    squares = np.full(len(ratings), PRIOR_WEIGHT * PRIOR_SD**2)
    for day in range(ratings.shape[1]):
        rated = np.isfinite(ratings[:, day])
        doubt = doubt + LEVEL_NOISE
        innovation = np.where(rated, ratings[:, day] - level, 0.0)
        scale = squares / (PRIOR_WEIGHT + np.maximum(count - 1, 0))
        z = innovation / np.sqrt(scale * (1 + doubt))
        steps[:, day] = np.where(rated & (count >= WARM_UP), z - SLACK, np.nan)
        squares = squares + np.where(count > 0, innovation**2 / (1 + doubt), 0.0)
        gain = np.where(rated, doubt / (1 + doubt), 0.0)
        level, doubt, count = level + gain * innovation, doubt * (1 - gain), count + rated
    return steps


def theil_sen(ratings: Floats) -> Floats:
    """The median slope of all pairs of the last 21 days (Sen 1968), in points a day, on answered days."""
    first, second = np.triu_indices(WINDOW, 1)
    span = (second - first).astype(np.float32)
    padded = np.pad(ratings.astype(np.float32), ((0, 0), (WINDOW - 1, 0)), constant_values=np.nan)
    scores = np.full(ratings.shape, np.nan)
    rows = np.arange(len(ratings))
    for day in range(ratings.shape[1]):
        window = padded[:, day : day + WINDOW]
        slopes = np.sort((window[:, second] - window[:, first]) / span, axis=1)  # NaN last
        count = np.isfinite(window).sum(axis=1)
        pairs = count * (count - 1) // 2
        median = (slopes[rows, np.maximum(pairs - 1, 0) // 2] + slopes[rows, pairs // 2]) / 2
        scores[:, day] = np.where((count >= FEWEST) & np.isfinite(ratings[:, day]), median, np.nan)
    return scores
