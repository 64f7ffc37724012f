"""The detector: one patient or a caseload, bit for bit the same, and the same as the method written out."""

from math import copysign, isnan, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.trends import Signal, State, advance, start

DAYS = 60
FIRST_DAY = 739_000  # days as date.toordinal() gives them
Ratings = NDArray[np.float64]


def caseload(seed: int, patients: int) -> tuple[Ratings, NDArray[np.int64]]:
    """Ratings (NaN: missed) and days of treatment so far, both of shape (patients, DAYS)."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0, 8, (patients, 1)) + rng.choice([0, 3], (patients, 1)) * (np.arange(DAYS) > 30)
    sd = rng.choice([0.2, 1.3], (patients, 1))
    ratings = np.clip(level + rng.normal(0, sd, (patients, DAYS)), 0, 10)
    ratings = np.where(rng.random((patients, 1)) < 0.7, np.round(ratings), ratings)
    ratings[rng.random((patients, DAYS)) < rng.uniform(0, 0.8, (patients, 1))] = np.nan
    length = rng.choice([0, 10, 45], (patients, 1))  # without treatment, a short course, a long one
    return ratings, np.clip(np.arange(DAYS) - rng.integers(-5, 40, (patients, 1)), 0, length)


def bits(values: State | Signal) -> NDArray[np.int64]:
    """Shape (fields,) for one patient, (fields, patients) for a caseload; whole numbers stay exact."""
    return np.array(values, np.float64).view(np.int64)


@settings(deadline=None, max_examples=36)
@given(seed=st.integers(0, 2**32 - 1), patients=st.integers(1, 19))
def test_one_patient_equals_the_caseload_bit_for_bit(seed: int, patients: int) -> None:
    ratings, treated = caseload(seed, patients)
    everyone, alone, skipping = start((patients,)), start(), start()
    one = seed % patients
    for index in range(DAYS):
        day, rating, treatment_day = FIRST_DAY + index, float(ratings[one, index]), int(treated[one, index])
        everyone, signals = advance(everyone, day, ratings[:, index], treated[:, index], 3.0)
        alone, signal = advance(alone, day, rating, treatment_day, 3.0)
        assert np.array_equal(bits(everyone)[:, one], bits(alone))
        assert np.array_equal(bits(signals)[:, one], bits(signal))
        if not isnan(rating):  # and a state that is left alone on missed days catches up
            skipping, late = advance(skipping, day, rating, treatment_day, 3.0)
            assert np.array_equal(bits(skipping), bits(alone))
            assert np.array_equal(bits(late), bits(signal))


def written_out(ratings: list[float], treated: list[int], h: float) -> list[tuple[int, float]]:
    """The method in plain Python, a day at a time. Per finding: its index, and the mean that was expected."""
    found: list[tuple[int, float]] = []
    m, n, big_v, v, c, count, last, expected = 0.0, 0.0, 10 * 1.3**2, 10.0, 0.0, 0, -99, 0.0
    for index, x in enumerate(ratings):
        in_treatment = treated[index] > (treated[index - 1] if index else 0)
        if count and in_treatment and treated[index] <= 30 and m > 0.5:
            m -= 0.02
        if isnan(x):
            continue
        count += 1
        if count == 1:
            m, n = x, 1.0
            continue
        s2 = max(big_v / v, 0.25)
        u = (x - m) / sqrt(s2 * (1 + 1 / n))
        z = copysign((8 * v + 1) / (8 * v + 3) * sqrt(v * log(1 + u * u / v)), u)
        z = max(-2.5, min(2.5, z))
        if count > 5:
            was, c = c, max(0.0, c + z - 0.5)
            expected = m if was == 0 else expected
            if c >= h and index - last > 7:
                found.append((index, expected))
                c, last = 0.0, index
        n = 0.96 * n + 1
        d = max(-3 * sqrt(s2), min(3 * sqrt(s2), x - m))
        m += d / n
        big_v = 0.99 * big_v + abs(d) * min(abs(x - m), 3 * sqrt(s2))
        v = 0.99 * v + 1
    return found


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_it_is_the_method_written_out(seed: int) -> None:
    ratings, treated = caseload(seed, 1)
    state, found = start((1,)), []
    for index in range(DAYS):
        state, signal = advance(state, FIRST_DAY + index, ratings[:, index], treated[:, index], 3.0)
        if signal.fired[0]:
            found.append((index, float(signal.expected[0])))
    expected = written_out(ratings[0].tolist(), treated[0].tolist(), 3.0)
    assert [index for index, _ in found] == [index for index, _ in expected]
    assert [mean for _, mean in found] == pytest.approx([mean for _, mean in expected])


def test_treatment_lowers_what_is_expected_for_thirty_days_and_not_below_the_floor() -> None:
    state, _ = advance(start((4,)), 1, np.array([5.0, 5.0, 0.55, np.nan]), np.zeros(4, np.int64), 4.0)
    for day in range(2, 80):
        treatment_day = np.minimum(day - 1, [99, 10, 99, 99])
        state, _ = advance(state, day, np.full(4, np.nan), treatment_day, 4.0)
    assert state.mean == pytest.approx([4.4, 4.8, 0.49, 0.0])


def test_a_caseload_of_nobody() -> None:
    state, signal = advance(start((0,)), 1, np.zeros(0), np.zeros(0, np.int64), 4.0)
    assert state.mean.shape == signal.fired.shape == (0,)


@pytest.mark.parametrize("day", [5, 4, 0, -1])
def test_a_day_that_does_not_come_after_the_last_is_refused(day: int) -> None:
    state, _ = advance(start(), 5, 3.0, 0, 4.0)
    with pytest.raises(ValueError, match="days must be advanced in order"):
        advance(state, day, 3.0, 0, 4.0)


def test_day_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="be 1 or later"):
        advance(start(), 0, 3.0, 0, 4.0)


@pytest.mark.parametrize("rating", [-1.0, 10.5, float("inf"), -float("inf")])
def test_a_rating_outside_0_to_10_is_refused(rating: float) -> None:
    with pytest.raises(ValueError, match="within 0-10"):
        advance(start((2,)), 1, np.array([3.0, rating]), np.zeros(2, np.int64), 4.0)
