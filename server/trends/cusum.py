"""The detector: an adaptive self-starting CUSUM with a state of fixed size (worse is up).

`advance` is elementwise, so one call takes one rating of one patient (scalars) or one day of a whole caseload
(arrays of shape (patients,)); either way each patient gets the same operations in the same order, and the
results are equal bit for bit.

Sources: Hawkins (1987), self-starting CUSUM charts, The Statistician 36, 299-309; Wallace (1959), bounds on
normal approximations to the t and chi-square distributions, Annals of Mathematical Statistics 30, 1121-1130.
The constants were chosen by simulating courses of TMS, since the tables assume independent days.
"""

from typing import TypeVar

import numpy as np

from server.trends.state import Bools, Floats, Ints, Signal, State

_Numbers = TypeVar("_Numbers", Floats, Ints)

DRIFT = 0.02  # points a day by which treatment is expected to help: an assumption, 0.6 points in all
DRIFT_DAYS = 30  # of treatment, after which no more help is assumed
DRIFT_FLOOR = 0.5  # a baseline at or below this has nowhere to go
LEAST_VARIANCE = 0.25  # someone who always answers 3 must not alarm at the first 4
FARTHEST = 2.5  # one odd day counts for this many SDs at most, so it cannot alarm alone
SLACK = 0.5  # SDs a day that are forgiven: half of the one-SD shift that matters
WARM_UP = 5  # earlier ratings needed before the sum may grow
REFRACTORY_DAYS = 7  # the next finding comes more than this many days after the last
MEAN_MEMORY = 0.96  # the baseline forgets over about 25 ratings
VARIANCE_MEMORY = 0.99  # and the SD over about 100
OUTLIER = 3.0  # SDs at which a rating's pull on the baseline is cut


def advance(
    state: State, day: int | Ints, rating: float | Floats, treatment_day: int | Ints, h: float | Floats
) -> tuple[State, Signal]:
    """Bring the state to `day`: its rating (0-10, worse is up; NaN for none) judged first, then learnt.

    `treatment_day`: days of treatment up to and including `day` (0 before it or without one; once it is over,
    its last number). Days may be skipped: a skipped day does what a NaN does. Raises ValueError for a day not
    after the last one (a late entry is replayed from the start), and for a rating outside 0-10.
    """
    day, rating = _check(state, day, rating)
    rated = np.isfinite(rating)
    treated = np.minimum(np.maximum(treatment_day, state.treated), DRIFT_DAYS)
    mean = _drift(state.mean, treated - state.treated)
    mean = _pick(rated & (state.check_ins == 0), rating, mean)
    state = state._replace(mean=mean, treated=treated, seen=np.maximum(state.seen, day))
    # Without a rating, x is what was expected: every deviation below is then 0, and none of them NaN.
    x = _pick(rated, rating, mean)
    variance = np.maximum(state.variance_sum / state.variance_weight, LEAST_VARIANCE)
    state, signal = _judge(state, day, x, variance, rated, h)
    return _learn(state, x, np.sqrt(variance), rated), signal


def _check(state: State, day: int | Ints, rating: float | Floats) -> tuple[Ints, Floats]:
    """Refuse what would end in a wrong state without a sound; plain numbers become numpy's."""
    days: Ints = np.asarray(day, np.int64)[()]
    ratings: Floats = np.asarray(rating, np.float64)[()]
    if (days <= state.seen).any():
        raise ValueError("days must be advanced in order, each once, and be 1 or later")
    if (abs(ratings - 5.0) > 5.0).any():  # False for NaN
        raise ValueError("a rating must be within 0-10, or NaN for none")
    return days, ratings


def _pick(where: Bools, yes: _Numbers, no: _Numbers) -> _Numbers:
    """`np.where`, which for scalars would cost as much as the rest of a step. It only copies: no rounding."""
    if isinstance(where, np.ndarray):
        return np.where(where, yes, no)
    return yes if where else no


def _drift(mean: Floats, days: Ints) -> Floats:
    """Step 1, a day at a time: one multiplication would round differently when days are skipped."""
    for done in range(int(days.max(initial=0))):
        mean = _pick((days > done) & (mean > DRIFT_FLOOR), mean - DRIFT, mean)
    return mean


def _deviate(deviation: Floats, variance: Floats, weight: Floats, freedom: Floats) -> Floats:
    """Steps 2 and 3: how surprising a deviation is, as a standard normal deviate within +-FARTHEST."""
    # The weight is 0 only before the first rating, whose deviation is 0 by definition.
    u = deviation / np.sqrt(variance * (1.0 + 1.0 / np.maximum(weight, 1.0)))
    size = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0) * np.sqrt(freedom * np.log1p(u * u / freedom))
    z: Floats = np.sign(u) * np.minimum(size, FARTHEST)
    return z


def _judge(
    state: State, day: Ints, x: Floats, variance: Floats, rated: Bools, h: float | Floats
) -> tuple[State, Signal]:
    """Step 4: add to the sum, follow the run since it left zero, and say whether this is a finding."""
    z = _deviate(x - state.mean, variance, state.weight, state.variance_weight)
    judged = rated & (state.check_ins >= WARM_UP)
    cusum = _pick(judged, np.maximum(0.0, state.cusum + z - SLACK), state.cusum)
    up = cusum > 0.0
    left = up & (state.cusum == 0.0)
    rested = (state.alerted == 0) | (day - state.alerted > REFRACTORY_DAYS)
    signal = Signal(
        fired=judged & (cusum >= h) & rested,
        since=_pick(left, day, state.since * up),
        run=(state.run + rated) * up,
        total=(state.total + x * rated) * up,
        expected=_pick(left, state.mean, state.expected * up),
        spread=_pick(left, np.sqrt(variance), state.spread * up),
    )
    kept = ~signal.fired  # a finding clears the sum and its run
    state = state._replace(
        cusum=cusum * kept,
        alerted=_pick(signal.fired, day, state.alerted),
        since=signal.since * kept,
        run=signal.run * kept,
        total=signal.total * kept,
        expected=signal.expected * kept,
        spread=signal.spread * kept,
    )
    return state, signal


def _learn(state: State, x: Floats, sd: Floats, rated: Bools) -> State:
    """Steps 5 and 6: the rating moves the baseline. The first one is the baseline; it shows no SD."""
    weight = MEAN_MEMORY * state.weight + 1.0
    most = OUTLIER * sd
    deviation = np.minimum(np.maximum(x - state.mean, -most), most)
    mean = state.mean + deviation / weight
    squared = np.abs(deviation) * np.minimum(np.abs(x - mean), most)  # Welford: old deviation times new
    variance_sum = VARIANCE_MEMORY * state.variance_sum + squared
    variance_weight = VARIANCE_MEMORY * state.variance_weight + 1.0
    varied = rated & (state.check_ins > 0)
    return state._replace(
        mean=mean,
        weight=_pick(rated, weight, state.weight),
        variance_sum=_pick(varied, variance_sum, state.variance_sum),
        variance_weight=_pick(varied, variance_weight, state.variance_weight),
        check_ins=state.check_ins + rated,
    )
