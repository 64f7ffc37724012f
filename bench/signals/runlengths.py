"""Run lengths against theory: how many independent normal readings until a chart with known parameters signals.

Theory is a Markov chain over a fine grid of the chart's states (Brook & Evans 1972, Biometrika 59, 539-549; for
the EWMA, Lucas & Saccucci 1990, Technometrics 32, 1-12). The simulation runs the very steps that the detectors
run, and the engine itself with its baseline held at the truth.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist
from typing import TypeAlias

import numpy as np

from bench.signals.charts import cusum_step, ewma_step
from server.trends import advance, start
from server.trends.cusum import FARTHEST, SLACK
from server.trends.state import Bools, Floats, State

STATES = 401  # of the grid
CERTAIN = 1e9  # readings' worth of baseline: the engine then learns nothing
Signals: TypeAlias = Callable[[Floats, Floats], tuple[Floats, Bools]]


@dataclass(frozen=True, slots=True)
class RunLength:
    """Mean readings until a signal."""

    chart: str
    shift: float  # SDs
    published: float | None
    theory: float
    simulated: float
    error: float  # standard error of the simulated one

    @property
    def off(self) -> float:
        """How far the simulation is from the published figure, or from theory without one, as a share."""
        return self.simulated / (self.published or self.theory) - 1


def normal(x: Floats) -> Floats:
    """The standard normal's distribution function."""
    return np.array([NormalDist().cdf(value) for value in x.flat]).reshape(x.shape)


def cusum_theory(h: float, shift: float, farthest: float = math.inf) -> float:
    """Of a one-sided CUSUM with slack SLACK, whose deviates are cut at +-farthest."""
    width = 2 * h / (2 * STATES - 1)
    edges = np.linspace(0.5 - STATES, STATES - 0.5, 2 * STATES) * width + SLACK  # of the step from one state to another
    below = np.where(edges >= farthest, 1.0, np.where(edges < -farthest, 0.0, normal(edges - shift)))
    origin = np.arange(STATES)[:, None]
    moves = below[np.arange(STATES)[None, :] - origin + STATES]
    moves[:, 1:] -= moves[:, :-1].copy()
    return float(np.linalg.solve(np.eye(STATES) - moves, np.ones(STATES))[0])


def ewma_theory(weight: float, width: float, shift: float) -> float:
    """Of a two-sided EWMA with limits `width` of its own long-run SDs."""
    h = width * math.sqrt(weight / (2 - weight))
    edges = np.linspace(-h, h, STATES + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    below = normal((edges[None, :] - (1 - weight) * centres[:, None]) / weight - shift)
    return float(np.linalg.solve(np.eye(STATES) - np.diff(below, axis=1), np.ones(STATES))[STATES // 2])


def two_sided_theory(h: float, shift: float) -> float:
    """Either of two CUSUMs: their rates add up (van Dobben de Bruyn 1968)."""
    return 1 / (1 / cusum_theory(h, shift) + 1 / cusum_theory(h, -shift))


def two_sided(h: float, state: Floats, z: Floats) -> tuple[Floats, Bools]:
    """One reading each: state of shape (2, runs), the sum upwards and the one downwards."""
    state = cusum_step(state, np.stack([z, -z]) - SLACK)
    return state, (state[0] >= h) | (state[1] >= h)


def one_sided(h: float, state: Floats, z: Floats) -> tuple[Floats, Bools]:
    """The upper half of it."""
    state = cusum_step(state, z - SLACK)
    return state, state[0] >= h


def ewma(weight: float, width: float, state: Floats, z: Floats) -> tuple[Floats, Bools]:
    """One reading each of a two-sided EWMA."""
    state = ewma_step(state, z, weight)
    return state, np.abs(state[0]) >= width * math.sqrt(weight / (2 - weight))


def engine(h: float, state: Floats, z: Floats) -> tuple[Floats, Bools]:
    """One reading each of the trend engine, told that the mean is 5 and the SD 1; rows: the sum, and the day."""
    runs = z.shape
    known: State = start(runs)._replace(
        mean=np.full(runs, 5.0),
        weight=np.full(runs, CERTAIN),
        variance_sum=np.full(runs, CERTAIN),
        variance_weight=np.full(runs, CERTAIN),
        check_ins=np.full(runs, 100),
        cusum=state[0],
    )
    after, signal = advance(known, 1, np.clip(5.0 + z, 0, 10), 0, h)
    return after.cusum[None, :], signal.fired


def simulate_runs(signals: Signals, rows: int, shift: float, runs: int, seed: int) -> tuple[float, float]:
    """Mean and standard error of `runs` run lengths; runs that have signalled are dropped as it goes."""
    rng = np.random.default_rng(seed)
    state, lengths, reading = np.zeros((rows, runs)), [], 0
    while state.shape[1]:
        reading += 1
        state, done = signals(state, rng.normal(shift, 1.0, state.shape[1]))
        if done.any():
            lengths.append(np.full(int(done.sum()), reading))
            state = state[:, ~done]
    every = np.concatenate(lengths)
    return float(every.mean()), float(every.std() / math.sqrt(runs))


Case: TypeAlias = tuple[str, Signals, int, Callable[[float], float], tuple[float | None, float | None, float | None]]
NONE = (None, None, None)
CASES: tuple[Case, ...] = (
    ("two-sided CUSUM k .5 h 4", partial(two_sided, 4.0), 2, partial(two_sided_theory, 4.0), (167.7, 26.6, 8.38)),
    ("two-sided CUSUM k .5 h 5", partial(two_sided, 5.0), 2, partial(two_sided_theory, 5.0), (465.4, 38.0, 10.4)),
    ("one-sided CUSUM k .5 h 4", partial(one_sided, 4.0), 1, partial(cusum_theory, 4.0), NONE),
    ("EWMA .2, L 2.962", partial(ewma, 0.2, 2.962), 1, partial(ewma_theory, 0.2, 2.962), (499.7, 41.8, 10.5)),
    ("EWMA .1, L 2.814", partial(ewma, 0.1, 2.814), 1, partial(ewma_theory, 0.1, 2.814), (499.6, 31.3, 10.3)),
    ("engine, known, h 4", partial(engine, 4.0), 1, partial(cusum_theory, 4.0, farthest=FARTHEST), NONE),
)


def run_lengths(runs: int, seed: int) -> list[RunLength]:
    """Every chart at shifts of 0, 0.5 and 1 SD."""
    return [
        RunLength(chart, shift, known, theory(shift), *simulate_runs(signals, rows, shift, runs, seed))
        for chart, signals, rows, theory, published in CASES
        for shift, known in zip((0.0, 0.5, 1.0), published, strict=True)
    ]
