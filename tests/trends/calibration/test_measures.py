"""Rates, shares and limits are what they say."""

from functools import partial

import numpy as np
import pytest

from server.trends.calibration.detection import ENGINE_LIMITS, engine_findings, findings_by_score
from server.trends.calibration.measures import DAYS_A_MONTH, alarm_rate, found_share, limit_for
from server.trends.calibration.simulation import DAYS, Episode, simulate

PATIENTS = 300


def test_a_rate_is_findings_over_patient_months() -> None:
    fired = np.zeros((4, 60), np.bool_)
    fired[0, [3, 20]] = fired[1, 5] = True
    rate = alarm_rate(fired, np.array([60, 60, 30, 30]))
    assert rate.value == pytest.approx(3 / (180 / DAYS_A_MONTH))
    assert rate.low < rate.value < rate.high


def test_19_of_20_intervals_hold_the_true_rate() -> None:
    rng = np.random.default_rng(1)
    prone = rng.gamma(2.0, 0.005, (400, PATIENTS, 1))  # chance of a finding on a day: patients differ, mean 0.01
    counts = rng.binomial(DAYS, prone)
    truth = 0.01 * DAYS_A_MONTH
    rates = [alarm_rate(one, np.full(PATIENTS, DAYS)) for one in counts]
    assert 0.92 <= np.mean([rate.low <= truth <= rate.high for rate in rates]) <= 0.98


def test_a_finding_counts_from_the_day_of_onset_to_the_end_of_the_window() -> None:
    fired = np.zeros((4, 30), np.bool_)
    fired[0, 9] = fired[1, 10] = fired[2, 23] = fired[3, 24] = True
    found = found_share(fired, np.full(4, 10), 14)
    assert found.share.value == 0.5
    assert found.median == 7.5  # days 1 and 14
    assert (found.delays[0], found.delays[13], sum(found.delays)) == (1, 1, 2)
    assert 0 < found.share.low < 0.5 < found.share.high < 1


def test_a_higher_limit_errs_less_and_finds_less() -> None:
    quiet, worse = (simulate(PATIENTS, 2, episode) for episode in (Episode.CONTROL, Episode.STEP_2))
    limits = (2.0, 3.0, 4.0, 5.0)
    alarms = [alarm_rate(engine_findings(quiet, h), quiet.watched).value for h in limits]
    found = [found_share(engine_findings(worse, h), worse.onset, 14).share.value for h in limits]
    assert alarms == sorted(alarms, reverse=True)
    assert found == sorted(found, reverse=True)
    assert alarms[0] > 2 * alarms[-1] > 0


def test_a_limit_is_the_lowest_that_keeps_to_its_rate() -> None:
    quiet = simulate(PATIENTS, 3, Episode.CONTROL)
    h = limit_for(partial(engine_findings, quiet), quiet.watched, 0.3, ENGINE_LIMITS)
    kept, lower = (alarm_rate(engine_findings(quiet, limit), quiet.watched).value for limit in (h, h - 0.002))
    assert kept <= 0.3 < lower


def test_two_findings_are_more_than_a_week_apart() -> None:
    scores = np.array([[1.0, 1.0, np.nan, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
    assert findings_by_score(scores, 1.0).nonzero()[1].tolist() == [0, 8]
