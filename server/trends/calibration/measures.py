"""False alarms, sensitivity and delay, each with its 95% interval; and the limit for so many false alarms."""

from dataclasses import dataclass

import numpy as np

from server.trends.calibration.detection import Watch
from server.trends.calibration.simulation import Episode
from server.trends.state import Bools, Ints

DAYS_A_MONTH = 365.25 / 12
HALVINGS = 14  # of the range of limits: to about a thousandth of an SD
# Days from onset within which a finding counts, the day of onset being the first.
WINDOW = {Episode.STEP_2: 14, Episode.STEP_3: 14, Episode.RAMP_3: 21}


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean with its 95% interval, between patients."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Found:
    """How many of an episode's patients were found in time, and how soon."""

    share: Rate
    median: float  # days from onset of those found, 1 on the day itself; infinite if none was
    delays: tuple[int, ...]  # patients found on day 1, 2, ... of the window


def alarm_rate(fired: Bools | Ints, watched: Ints) -> Rate:
    """Findings (or so many a day) per patient-month.

    The interval is a ratio's, between patients, so they may differ in days and in proneness.
    """
    counts, months = fired.sum(axis=1), watched / DAYS_A_MONTH
    value = float(counts.sum() / months.sum())
    error = float(np.sqrt(((counts - value * months) ** 2).sum()) / months.sum())
    return Rate(value, max(0.0, value - 1.96 * error), value + 1.96 * error)


def found_share(fired: Bools, onset: Ints, window: int) -> Found:
    """The share of patients with a finding in the window; the interval is Wilson's."""
    since = np.arange(fired.shape[1]) - onset[:, None] + 1
    hits: Bools = fired & (since >= 1) & (since <= window)
    found: Bools = np.asarray(hits.any(axis=1))
    delays = since[np.arange(len(fired)), hits.argmax(axis=1)][found]
    return Found(
        _wilson(float(found.mean()), len(found)),
        float(np.median(delays)) if len(delays) else float("inf"),
        tuple(np.bincount(delays, minlength=window + 1)[1:].tolist()),
    )


def _wilson(share: float, patients: int, z: float = 1.96) -> Rate:
    shrunk = (share + z**2 / (2 * patients)) / (1 + z**2 / patients)
    reach = z * np.sqrt(share * (1 - share) / patients + (z / (2 * patients)) ** 2) / (1 + z**2 / patients)
    return Rate(share, float(shrunk - reach), float(shrunk + reach))


def limit_for(
    watch: Watch, watched: Ints, target: float, limits: tuple[float, float], who: Bools | None = None
) -> float:
    """The lowest limit with at most `target` false alarms per patient-month, among the patients `who`."""
    low, high = limits
    rows = np.ones(len(watched), np.bool_) if who is None else who
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if alarm_rate(watch(middle)[rows], watched[rows]).value > target:
            low = middle
        else:
            high = middle
    return high
