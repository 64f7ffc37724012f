"""The simulated patients are what they are said to be."""

import numpy as np
import pytest

from server.trends.calibration.simulation import (
    DAYS,
    GAP_DAYS,
    NOMINAL,
    ONSET,
    STRESS,
    Episode,
    correlated,
    gaps,
    simulate,
)
from server.trends.state import Floats

PATIENTS = 2_000
CELLS = {cell.name: cell for cell in STRESS}


def missed_share(ratings: Floats) -> float:
    return float(np.isnan(ratings).mean())


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_noise_has_its_correlation_and_an_sd_of_1(correlation: float) -> None:
    noise = correlated(np.random.default_rng(1), np.full(PATIENTS, correlation), DAYS)
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert np.mean(noise[:, 1:] * noise[:, :-1]) == pytest.approx(correlation, abs=0.02)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
def test_gaps_have_their_share_and_come_in_bursts(share: float) -> None:
    missed = gaps(np.random.default_rng(2), np.full(PATIENTS, share), DAYS)
    assert missed.mean() == pytest.approx(share, abs=0.01)
    begun = missed[:, 1:] & ~missed[:, :-1]
    assert missed[:, 1:].sum() / begun.sum() == pytest.approx(GAP_DAYS, rel=0.1)


def test_ratings_are_whole_numbers_from_0_to_10_and_a_third_are_missed() -> None:
    ratings = simulate(PATIENTS, 3, Episode.CONTROL).ratings
    said = ratings[np.isfinite(ratings)]
    assert set(np.unique(said)) == set(range(11))
    assert missed_share(ratings) == pytest.approx(0.30, abs=0.02)
    assert missed_share(simulate(PATIENTS, 3, Episode.CONTROL, CELLS["60% missing"]).ratings) == pytest.approx(
        0.6, abs=0.01
    )


def test_a_person_without_decline_varies_by_about_1_3_points() -> None:
    ratings = simulate(PATIENTS, 4, Episode.CONTROL, CELLS["no decline"]).ratings
    assert 1.2 < np.median(np.nanstd(ratings, axis=1)) < 1.4


def test_responders_come_down_and_nobody_else() -> None:
    truth = simulate(PATIENTS, 5, Episode.CONTROL).truth
    assert truth is not None
    relief = truth.level[:, :7].mean(axis=1) - truth.level[:, -7:].mean(axis=1)
    assert (relief > 1.0).mean() == pytest.approx(NOMINAL.responders, abs=0.03)
    assert relief.max() <= 3.5


@pytest.mark.parametrize(("episode", "points"), [(Episode.STEP_2, 2.0), (Episode.STEP_3, 3.0), (Episode.RAMP_3, 3.0)])
def test_an_episode_is_added_from_its_onset_on(episode: Episode, points: float) -> None:
    quiet, worse = (simulate(PATIENTS, 6, one) for one in (Episode.CONTROL, episode))
    before = np.arange(DAYS) < worse.onset[:, None]
    np.testing.assert_array_equal(np.where(before, worse.ratings, 0), np.where(before, quiet.ratings, 0))
    added = (worse.ratings - quiet.ratings)[:, -1]  # three weeks after the last onset: the ramp is at its top
    room = quiet.ratings[:, -1] + points <= 9
    assert np.nanmean(added[room]) == pytest.approx(points, abs=0.05)
    assert (worse.onset.min() + 1, worse.onset.max() + 1) == ONSET


def test_those_who_skip_their_worse_days_miss_more_when_they_are_worse() -> None:
    cell = CELLS["skips worse days"]
    quiet, worse = (simulate(PATIENTS, 7, one, cell) for one in (Episode.CONTROL, Episode.STEP_3))
    assert missed_share(quiet.ratings) > 0.33
    assert missed_share(worse.ratings[:, 63:]) > missed_share(quiet.ratings[:, 63:]) + 0.1


def test_a_seed_is_a_caseload() -> None:
    first, again, other = (simulate(50, seed, Episode.CONTROL).ratings for seed in (8, 8, 9))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other, equal_nan=True)
