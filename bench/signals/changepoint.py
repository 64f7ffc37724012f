"""Bayesian online change-point detection (Adams & MacKay 2007, arXiv:0710.3742), asked for a recent change upwards."""

import numpy as np

from server.trends.state import PRIOR_SD, PRIOR_WEIGHT, Floats, Ints

HAZARD = 1 / 20  # chance of a change before any one rating; this, RECENT and LEVEL_WEIGHT were tuned on other seeds
RECENT = 14  # ratings: an older change is no news
LEVEL, LEVEL_WEIGHT = 5.0, 0.1  # prior of a segment's mean, worth so many ratings
SHAPE = PRIOR_WEIGHT / 2  # prior of a segment's variance: inverse gamma, like the engine's prior
RATE = SHAPE * PRIOR_SD**2
WARM_UP = 5


def change_point(ratings: Floats) -> Floats:
    """Log odds, shape (patients, days), that the level has lately gone up; NaN on unanswered days.

    Every run length is kept, so the cost grows with the square of the history.
    """
    patients, days = ratings.shape
    scores = np.full(ratings.shape, np.nan)
    runs = Runs(patients, days)
    for day in range(days):
        rated = np.flatnonzero(np.isfinite(ratings[:, day]))
        runs.learn(rated, ratings[rated, day])
        known = rated[runs.count[rated] > WARM_UP]
        scores[known, day] = runs.log_odds(known)
    return scores


class Runs:
    """For each patient and each rating that a segment may have begun at, its chance and its sufficient statistics.

    Arrays of shape (patients, days); column j is the segment that began at the patient's rating j.
    """

    def __init__(self, patients: int, days: int) -> None:
        self.chance = np.zeros((patients, days))
        self.weight = np.full((patients, days), LEVEL_WEIGHT)
        self.mean = np.full((patients, days), LEVEL)
        self.rate = np.full((patients, days), RATE)
        self.shape = np.full((patients, days), SHAPE)
        self.before = np.full((patients, days), LEVEL)  # the level expected when the segment began
        self.count = np.zeros(patients, np.int64)

    def learn(self, who: Ints, x: Floats) -> None:
        """One rating each of the patients `who`: a new segment may begin with it, or an old one goes on."""
        count = self.count[who]
        width = int(count.max(initial=0)) + 1
        here = (who[:, None], np.arange(width)[None, :])
        new = (who, count)
        prior = self.chance[here]
        expected = (prior * self.mean[here]).sum(axis=1)
        prior *= 1 - HAZARD
        prior[np.arange(len(who)), count] = np.where(count > 0, HAZARD, 1.0)
        self.before[new] = np.where(count > 0, expected, LEVEL)
        chance = prior * self._likelihood(here, x[:, None])
        self.chance[here] = chance / chance.sum(axis=1, keepdims=True)
        self._update(here, x[:, None])
        self.count[who] += 1

    def _likelihood(self, here: tuple[Ints, Ints], x: Floats) -> Floats:
        """Student's t density of x in each segment, but for a factor that all segments share."""
        shape, weight = self.shape[here], self.weight[here]
        spread = self.rate[here] * (weight + 1) / (shape * weight)
        u = (x - self.mean[here]) ** 2 / (2 * shape * spread)
        # Gamma(a + 1/2) / Gamma(a) is about sqrt(a - 1/4): within 0.1% from a = 5 on.
        return np.asarray(np.sqrt((shape - 0.25) / (shape * spread)) * (1 + u) ** -(shape + 0.5))

    def _update(self, here: tuple[Ints, Ints], x: Floats) -> None:
        """Every segment up to now takes the rating. (Columns not begun yet keep the prior.)"""
        weight, mean = self.weight[here], self.mean[here]
        begun = np.arange(here[1].shape[1])[None, :] <= self.count[here[0][:, 0]][:, None]
        self.rate[here] += begun * weight * (x - mean) ** 2 / (2 * (weight + 1))
        self.mean[here] = np.where(begun, (weight * mean + x) / (weight + 1), mean)
        self.weight[here] += begun
        self.shape[here] += begun * 0.5

    def log_odds(self, who: Ints) -> Floats:
        """Of a change within the last RECENT ratings to a level above the one expected then."""
        age = self.count[who][:, None] - np.arange(self.chance.shape[1])  # 1 for the segment of this rating
        recent = (age >= 1) & (age <= RECENT) & (self.mean[who] > self.before[who]) & (age < self.count[who][:, None])
        up = np.clip((self.chance[who] * recent).sum(axis=1), 1e-12, 1 - 1e-12)
        return np.asarray(np.log(up / (1 - up)))
