"""Seldom wrong, and soon right: the detector on simulated patients, with a fixed seed.

Each patient's ratings go up and down around one level (AR(1), correlation 0.3 from day to day, SD 1.3), are
rounded to 0-10, and miss 30% of the days. Treatment starts on the eighth day and brings no relief at all,
which is the harder case, since the detector expects some.
"""

import numpy as np
from numpy.typing import NDArray

from server.trends import advance, start

PATIENTS, DAYS, BEFORE_TREATMENT, ONSET = 300, 84, 7, 42
DAYS_PER_MONTH = 30.4
CORRELATION, SD, MISSED = 0.3, 1.3, 0.3


def simulate(seed: int, step: float) -> NDArray[np.float64]:
    """Ratings of shape (PATIENTS, DAYS), NaN where missed; the level goes up by `step` at ONSET."""
    rng = np.random.default_rng(seed)
    noise = np.empty((PATIENTS, DAYS))
    noise[:, 0] = rng.normal(0, SD, PATIENTS)
    for day in range(1, DAYS):
        fresh = rng.normal(0, SD * np.sqrt(1 - CORRELATION**2), PATIENTS)
        noise[:, day] = CORRELATION * noise[:, day - 1] + fresh
    level = rng.uniform(2, 6, (PATIENTS, 1)) + step * (np.arange(DAYS) >= ONSET)
    ratings = np.clip(np.round(level + noise), 0, 10)
    ratings[rng.random((PATIENTS, DAYS)) < MISSED] = np.nan
    return ratings


def run(ratings: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the detector fires at the default limit, shape (PATIENTS, DAYS)."""
    state, fired = start((PATIENTS,)), np.zeros(ratings.shape, np.bool_)
    for day in range(DAYS):
        treatment_day = max(0, day + 1 - BEFORE_TREATMENT)
        state, signal = advance(state, day + 1, ratings[:, day], treatment_day, 4.0)
        fired[:, day] = signal.fired
    return fired


def test_steady_patients_raise_few_alarms() -> None:
    fired = run(simulate(seed=20250501, step=0.0))
    per_month = fired.sum() / (PATIENTS * DAYS / DAYS_PER_MONTH)
    assert per_month < 0.35


def test_three_points_worse_is_found_within_two_weeks() -> None:
    fired = run(simulate(seed=20250502, step=3.0))
    found = fired[:, ONSET : ONSET + 14]
    assert found.any(axis=1).mean() >= 0.80
    assert np.median(found.argmax(axis=1)[found.any(axis=1)]) + 1 <= 5  # days, the first one included
