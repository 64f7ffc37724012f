"""What the detector remembers between two days, and what one of its steps says."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Shape () when one patient is run (numpy scalars), (patients,) for a caseload.
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

PRIOR_WEIGHT = 10.0  # ratings' worth of belief in the SD below
PRIOR_SD = 1.3  # day to day, typical of daily 0-10 ratings


class State(NamedTuple):
    """All that is remembered of a patient's item, whatever the length of the history.

    Days are integers from 1 up (`date.toordinal()`); 0 stands for no day yet.
    """

    mean: Floats  # m: the baseline, in points
    weight: Floats  # n: the ratings' worth behind it
    variance_sum: Floats  # V: points squared
    variance_weight: Floats  # v
    cusum: Floats  # C: SDs above what was expected, summed
    check_ins: Ints  # ratings so far
    seen: Ints  # the last day that was advanced to, rated or not
    treated: Ints  # days of treatment whose drift is already in the mean
    alerted: Ints  # the day of the last finding
    since: Ints  # the day the cusum left zero; this and what follows are 0 while it is there
    run: Ints  # ratings from `since` on
    total: Floats  # and their sum, in points
    expected: Floats  # the mean as it was before the rating of `since`
    spread: Floats  # and the SD


class Signal(NamedTuple):
    """What one step says: is it a finding, and the run behind it (as in State, but not yet cleared)."""

    fired: Bools
    since: Ints
    run: Ints
    total: Floats
    expected: Floats
    spread: Floats


def start(shape: tuple[int, ...] = ()) -> State:
    """The state before any rating: `()` for one patient, `(patients,)` for a caseload."""
    zero, never = np.zeros(shape)[()], np.zeros(shape, np.int64)[()]
    prior = zero + PRIOR_WEIGHT
    return State(
        mean=zero,
        weight=zero,
        variance_sum=prior * PRIOR_SD**2,
        variance_weight=prior,
        cusum=zero,
        check_ins=never,
        seen=never,
        treated=never,
        alerted=never,
        since=never,
        run=never,
        total=zero,
        expected=zero,
        spread=zero,
    )
