"""Two items of one patient are as alike as they are said to be."""

from dataclasses import replace

import numpy as np
import pytest

from server.trends.calibration.measures import alarm_rate
from server.trends.calibration.pairs import ALIKE, STEP, each_item, occasions, simulate_pair
from server.trends.calibration.simulation import NOMINAL, STRESS
from server.trends.state import Floats

PATIENTS = 1_000
CELLS = {cell.name: cell for cell in STRESS}


def within(ratings: Floats) -> Floats:
    """Deviations from the person's own mean of the last six weeks, when relief is mostly over."""
    late = ratings[:, 42:]
    deviations: Floats = late - np.nanmean(late, axis=1, keepdims=True)
    return deviations


def test_the_noise_of_two_items_has_its_correlation() -> None:
    steady = replace(NOMINAL, responders=0.0)
    craving, mood, _ = (within(item.ratings) for item in simulate_pair(PATIENTS, 1, cell=steady))
    both = np.isfinite(craving)
    correlation = np.corrcoef(craving[both], mood[both])[0, 1]
    # A shared weekend adds a little, rounding and clipping take a little.
    assert correlation == pytest.approx(ALIKE, abs=0.06)


def test_both_are_missed_on_the_same_days() -> None:
    for cell in (NOMINAL, CELLS["60% missing"], CELLS["skips worse days"]):
        missed = [np.isnan(item.ratings) for item in simulate_pair(PATIENTS, 2, cell=cell)]
        np.testing.assert_array_equal(missed[0], missed[1])
    assert missed[0].mean() > 0.35  # worse days are skipped on top of the gaps


def test_only_what_moves_takes_the_step() -> None:
    still, moved = (simulate_pair(PATIENTS, 3, moves) for moves in ((0, 0), (1, 0)))
    np.testing.assert_array_equal(still[1].ratings, moved[1].ratings)
    room = still[0].ratings[:, -1] + STEP <= 9
    added = (moved[0].ratings - still[0].ratings)[room, -1]
    assert np.nanmean(added) == pytest.approx(STEP, abs=0.1)


def test_two_items_alarm_about_twice_as_often_as_one_and_on_fewer_occasions() -> None:
    pair = simulate_pair(PATIENTS, 4)
    spoken = each_item(pair, (0, 1), 3.0)
    craving, mood, together = (
        alarm_rate(fired, pair[0].watched).value for fired in (spoken[0], spoken[1], occasions(spoken))
    )
    assert max(craving, mood) < together < craving + mood
    assert craving == pytest.approx(mood, rel=0.2)
