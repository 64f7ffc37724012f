"""Simulated courses of TMS: whole caseloads of daily ratings as arrays, with the truth that made them.

A rating is level + episode + AR(1) noise, rounded and clipped to 0-10, with runs of missed days. The shapes of
the distributions are those of the specification; where it gives no figure, the one here is marked as assumed.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from server.trends.state import Bools, Floats, Ints

DAYS, BEFORE_TREATMENT = 84, 7
RESPONSE, RESPONSE_DAYS = (1.5, 3.5), (10.0, 25.0)  # points of relief, and its time constant
BASELINE_SPREAD = 1.6  # between patients
SD_SPREAD = 0.25  # of the log of the SD between patients: about 0.8 to 2.1 for 95% of them (assumed)
WEEKEND = (0.0, 0.8)  # points more on Saturday and Sunday
GAP_DAYS = 2.5  # mean run of missed days: gaps come in bursts (assumed)
TREATED: Ints = np.maximum(np.arange(DAYS) + 1 - BEFORE_TREATMENT, 0)  # day of treatment, 0 before it
ONSET = (24, 63)  # first and last day, counted from 1, that an episode may begin
RAMP_DAYS = 14
SKIPPED, WORSE = 0.5, 1.0  # share skipped of the days this many SDs worse than the person expects (assumed)


class Episode(StrEnum):
    """What happens at onset. A slow rise has none: it takes the whole course."""

    CONTROL = "control"
    STEP_2 = "+2 step"
    STEP_3 = "+3 step"
    RAMP_3 = "ramp to +3"
    SLOW_RISE = "slow rise"


@dataclass(frozen=True, slots=True)
class Cell:
    """One set of assumptions; ranges are uniform between patients."""

    name: str = "nominal"
    correlation: tuple[float, float] = (0.3, 0.6)  # from one day to the next
    sd: float = 1.3  # median of the within-person SD, points
    missing: tuple[float, float] = (0.2, 0.4)
    responders: float = 0.6
    baseline: float = 5.5
    skips_worse_days: bool = False


NOMINAL = Cell()
STRESS = (
    replace(NOMINAL, name="no correlation", correlation=(0.0, 0.0)),
    replace(NOMINAL, name="correlation .6-.8", correlation=(0.6, 0.8)),
    replace(NOMINAL, name="no decline", responders=0.0),
    replace(NOMINAL, name="SD x0.6", sd=1.3 * 0.6),
    replace(NOMINAL, name="SD x1.5", sd=1.3 * 1.5),
    replace(NOMINAL, name="5% missing", missing=(0.05, 0.05)),
    replace(NOMINAL, name="60% missing", missing=(0.6, 0.6)),
    replace(NOMINAL, name="low baseline", baseline=2.5),
    replace(NOMINAL, name="skips worse days", skips_worse_days=True),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What only the oracle may see."""

    level: Floats  # (patients, days): expected before rounding and episode, the weekend included
    sd: Floats  # (patients,): of the noise
    correlation: Floats  # (patients,)


@dataclass(frozen=True, slots=True)
class Caseload:
    """Ratings of shape (patients, days), worse up, NaN where missed; day 0 is the first of the course."""

    ratings: Floats
    treatment_day: Ints  # (days,): 0 before treatment
    onset: Ints  # (patients,): index of the first changed day, or `days` for none
    watched: Ints  # (patients,): days from the first to the last that could have been answered
    truth: Truth | None = None


def simulate(patients: int, seed: int | tuple[int, ...], episode: Episode, cell: Cell = NOMINAL) -> Caseload:
    """One caseload. The same seed gives the same patients and noise, whatever the episode."""
    rng = np.random.default_rng(seed)
    truth = draw_truth(rng, patients, cell)
    noise = truth.sd[:, None] * correlated(rng, truth.correlation, DAYS)
    onset = rng.integers(ONSET[0] - 1, ONSET[1], patients)
    felt = truth.level + noise + rise(episode, onset, rng.uniform(0, 1, patients))
    missed = gaps(rng, rng.uniform(*cell.missing, patients), DAYS)
    if cell.skips_worse_days:
        worse = felt > truth.level + WORSE * truth.sd[:, None]
        missed |= worse & (rng.random(felt.shape) < SKIPPED)
    ratings = np.where(missed, np.nan, np.clip(np.round(felt), 0, 10))
    changed = onset if episode not in (Episode.CONTROL, Episode.SLOW_RISE) else np.full(patients, DAYS)
    return Caseload(ratings, TREATED, changed, np.full(patients, DAYS), truth)


def draw_truth(rng: np.random.Generator, patients: int, cell: Cell) -> Truth:
    """Each patient's level, relief, weekends, SD and correlation."""
    baseline = rng.normal(cell.baseline, BASELINE_SPREAD, (patients, 1))
    relief = rng.uniform(*RESPONSE, (patients, 1)) * (rng.random((patients, 1)) < cell.responders)
    decline = relief * (1 - np.exp(-TREATED / rng.uniform(*RESPONSE_DAYS, (patients, 1))))
    weekend = (np.arange(DAYS) + rng.integers(0, 7, (patients, 1))) % 7 >= 5
    level = baseline - decline + weekend * rng.uniform(*WEEKEND, (patients, 1))
    sd = cell.sd * np.exp(SD_SPREAD * rng.normal(size=patients))
    return Truth(level, sd, rng.uniform(*cell.correlation, patients))


def correlated(rng: np.random.Generator, correlation: Floats, days: int) -> Floats:
    """Stationary AR(1) noise with SD 1, shape (patients, days)."""
    noise = rng.normal(size=(len(correlation), days))
    fresh = np.sqrt(1 - correlation**2)
    for day in range(1, days):
        noise[:, day] = correlation * noise[:, day - 1] + fresh * noise[:, day]
    return noise


def gaps(rng: np.random.Generator, share: Floats, days: int) -> Bools:
    """Missed days in bursts, shape (patients, days): a two-state chain with this long-run share missed."""
    lasts = np.maximum(1 - 1 / GAP_DAYS, 2 - 1 / share)  # the second where so much is missed that gaps must be longer
    begins = (1 - lasts) * share / (1 - share)
    chance = rng.random((len(share), days))
    missed: Bools = np.empty(chance.shape, np.bool_)
    missed[:, 0] = chance[:, 0] < share
    for day in range(1, days):
        missed[:, day] = chance[:, day] < np.where(missed[:, day - 1], lasts, begins)
    return missed


def rise(episode: Episode, onset: Ints, slow: Floats) -> Floats:
    """Points added to each day, shape (patients, days); `slow`: each patient's whole slow rise."""
    since = np.arange(DAYS) - onset[:, None] + 1  # 1 on the day of onset
    points: Floats
    match episode:
        case Episode.STEP_2:
            points = np.where(since > 0, 2.0, 0.0)
        case Episode.STEP_3:
            points = np.where(since > 0, 3.0, 0.0)
        case Episode.RAMP_3:
            points = np.clip(3.0 * since / RAMP_DAYS, 0.0, 3.0)
        case Episode.SLOW_RISE:
            points = slow[:, None] * np.arange(DAYS) / (DAYS - 1)
        case Episode.CONTROL:
            points = np.zeros(since.shape)
    return points
