"""Charts signal as often as theory says."""

import pytest

from bench.signals.runlengths import CASES, Case, simulate_runs

SHIFTS = (0.0, 0.5, 1.0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case[0]))
def test_theory_is_what_was_published(case: Case) -> None:
    _, _, _, theory, published = case
    for shift, known in zip(SHIFTS, published, strict=True):
        if known is not None:
            assert theory(shift) == pytest.approx(known, rel=0.005)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case[0]))
@pytest.mark.parametrize("shift", SHIFTS[1:])
def test_the_detectors_own_steps_run_as_long(case: Case, shift: float) -> None:
    _, signals, rows, theory, _ = case
    simulated, _ = simulate_runs(signals, rows, shift, runs=6_000, seed=21)
    assert simulated == pytest.approx(theory(shift), rel=0.03)


def test_and_without_a_shift() -> None:
    _, signals, rows, theory, _ = CASES[0]
    simulated, error = simulate_runs(signals, rows, 0.0, runs=10_000, seed=22)
    assert error < 0.011 * simulated
    assert simulated == pytest.approx(theory(0.0), rel=0.03)
