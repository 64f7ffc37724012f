"""The goals, fixed before the test, each beside the number that was measured."""

from dataclasses import dataclass

from bench.signals.detectors import ENGINE, EWMA, ORACLE
from bench.signals.measure import Row
from bench.signals.plan import DEFAULT, Results
from server.trends.calibration.measures import Found
from server.trends.calibration.simulation import Episode

AT = 0.25  # false alarms per patient-month at which detectors are compared


@dataclass(frozen=True, slots=True)
class Goal:
    measure: str
    goal: str
    measured: str
    met: bool


def row_of(results: Results, detector: str, target: float) -> Row:
    """Raises StopIteration for a pair that was not measured."""
    return next(row for row in results.detectors if (row.detector, row.target) == (detector, target))


def goals(results: Results) -> list[Goal]:
    """The engine at its default limit, in the order of the specification."""
    found, alarms = results.default.found, results.default.alarms.value
    worst = max(results.stress, key=lambda row: row.alarms[DEFAULT].value)
    high = worst.alarms[DEFAULT].value
    return [
        Goal("false alarms per patient-month, nominal", "<= 0.20", f"{alarms:.3f}", alarms <= 0.20),
        Goal("the same, in the worst stress cell", "<= 0.30", f"{high:.3f} ({worst.cell})", high <= 0.30),
        _found("+3 step, found in 14 days", found[Episode.STEP_3], 0.85, 5),
        _found("+2 step, found in 14 days", found[Episode.STEP_2], 0.62, 6),
        _found("ramp to +3, found in 21 days", found[Episode.RAMP_3], 0.85, 12),
        _beats_ewma(results),
        _near_the_oracle(results),
        _run_lengths(results),
    ]


def _found(measure: str, found: Found, share: float, median: float) -> Goal:
    value = found.share
    measured = f"{value.value:.1%} ({value.low:.1%}-{value.high:.1%}), median {found.median:g}"
    return Goal(
        measure, f">= {share:.0%}, median <= {median:g} days", measured, value.value >= share and found.median <= median
    )


def _step(results: Results, detector: str) -> float:
    return row_of(results, detector, AT).found[Episode.STEP_2].share.value


def _beats_ewma(results: Results) -> Goal:
    ahead = 100 * (_step(results, ENGINE.name) - _step(results, EWMA.name))
    return Goal(f"+2 step against EWMA, both at {AT}", ">= +25 points", f"{ahead:+.1f} points", ahead >= 25)


def _near_the_oracle(results: Results) -> Goal:
    share = _step(results, ENGINE.name) / _step(results, ORACLE.name)
    return Goal(f"+2 step, share of the oracle's at {AT}", ">= 80%", f"{share:.1%}", share >= 0.80)


def _run_lengths(results: Results) -> Goal:
    worst = max(results.run_lengths, key=lambda run: abs(run.off))
    off = abs(worst.off)
    return Goal(
        "run lengths, farthest from theory", "<= 1%", f"{off:.2%} ({worst.chart}, {worst.shift:g})", off <= 0.01
    )
