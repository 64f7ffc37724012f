"""What the trend engine finds in a caseload at a limit, and the rest of more than 7 days between two findings."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from server.trends.calibration.simulation import Caseload
from server.trends.cusum import REFRACTORY_DAYS, advance
from server.trends.state import Bools, Floats, start

# A caseload's findings, shape (patients, days), for any limit.
Watch: TypeAlias = Callable[[float], Bools]

ENGINE_LIMITS = (0.1, 20.0)  # so low that everything is a finding, so high that nothing is
NEVER = -1_000  # a day so long ago that everyone is rested


def engine_findings(caseload: Caseload, h: float) -> Bools:
    """What the trend engine finds, a day of the whole caseload at a time."""
    fired: Bools = np.zeros(caseload.ratings.shape, np.bool_)
    state = start((len(fired),))
    for day in range(fired.shape[1]):
        treated = int(caseload.treatment_day[day])
        state, signal = advance(state, day + 1, caseload.ratings[:, day], treated, h)
        fired[:, day] = signal.fired
    return fired


def findings_by_score(scores: Floats, h: float) -> Bools:
    """Findings, shape (patients, days), wherever the score is at least h; NaN, an unanswered day, never is."""
    fired = np.zeros(scores.shape, np.bool_)
    last = np.full(len(scores), NEVER)
    for day in range(scores.shape[1]):
        fired[:, day] = (scores[:, day] >= h) & (day - last > REFRACTORY_DAYS)
        last[fired[:, day]] = day
    return fired
