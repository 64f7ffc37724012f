"""The picture: what each detector finds for its false alarms, and how soon."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.signals.detectors import DETECTORS, ENGINE, ORACLE
from bench.signals.goals import AT
from bench.signals.measure import TARGETS, Row
from bench.signals.plan import Results
from server.trends.calibration.simulation import Episode

# Okabe & Ito's colours, told apart by nearly everyone; line styles tell them apart in grey too.
COLOURS = ("#0072B2", "#999999", "#E69F00", "#D55E00", "#CC79A7", "#009E73", "#B8A400", "#56B4E9", "#7A4FB5", "#000000")
STYLES = ("-", ":", "--", "-.", ":", "--", "-.", ":", "-", "--")
LOOKS = {detector.name: look for detector, *look in zip(DETECTORS, COLOURS, STYLES, strict=True)}


def draw(results: Results, path: Path) -> None:
    """Write the picture as PNG."""
    figure = Figure(figsize=(13, 9), layout="constrained")
    (sweep, delays), (episodes, stress) = figure.subplots(2, 2)
    _sweep(sweep, results.detectors)
    _delays(delays, results.detectors)
    _episodes(episodes, results.default)
    _stress(stress, results)
    figure.legend(*delays.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(path, dpi=120)


def _line(axes: Axes, detector: str, x: Sequence[float], y: Sequence[float], marker: str = "") -> None:
    colour, style = LOOKS[detector]
    bold = detector in (ENGINE.name, ORACLE.name)
    axes.plot(x, y, style, color=colour, linewidth=3.0 if bold else 1.6, label=detector, marker=marker)


def _finish(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)


def _sweep(axes: Axes, rows: Sequence[Row]) -> None:
    for detector in LOOKS:
        own = [row for row in rows if row.detector == detector]
        shares = [100 * row.found[Episode.STEP_2].share.value for row in own]
        _line(axes, detector, [row.alarms.value for row in own], shares, marker=".")
    for target in TARGETS:
        axes.axvline(target, color="#CCCCCC", linewidth=0.8, zorder=0)
    _finish(axes, "A +2 step, found within 14 days", "False alarms per patient-month", "Found, %")
    axes.set(xlim=(0, None), ylim=(0, 100))


def _delays(axes: Axes, rows: Sequence[Row]) -> None:
    """How many have been found by each day, at the same false alarms."""
    for row in rows:
        if row.target == AT:
            found = row.found[Episode.STEP_2]
            by_day = np.cumsum(found.delays) / max(sum(found.delays), 1) * 100 * found.share.value
            _line(axes, row.detector, range(1, len(by_day) + 1), by_day.tolist())
    _finish(axes, f"A +2 step at {AT} false alarms: found by day", "Day, the first being the onset", "Found so far, %")
    axes.set(ylim=(0, 100))


def _episodes(axes: Axes, row: Row) -> None:
    """The engine's delays at its default limit."""
    for (episode, found), colour, width in zip(row.found.items(), COLOURS[::3], (-0.27, 0.0, 0.27), strict=False):
        days = np.arange(1, len(found.delays) + 1)
        shares = 100 * np.array(found.delays) / max(sum(found.delays), 1)
        label = f"{episode}: {found.share.value:.0%} found, median day {found.median:g}"
        axes.bar(days + width, shares, 0.27, color=colour, label=label)
    _finish(
        axes, f"The engine at h = {row.h:g}: when it found them", "Day, the first being the onset", "Of those found, %"
    )
    axes.set(ylim=(0, 1.3 * axes.get_ylim()[1]))
    axes.legend(fontsize=9, loc="upper right")


def _stress(axes: Axes, results: Results) -> None:
    """The engine's false alarms in each cell, at both limits."""
    names = ["nominal", *(row.cell for row in results.stress)]
    for h, marker, colour in ((results.default.h, "o", COLOURS[0]), (results.sensitive.h, "s", COLOURS[3])):
        nominal = results.default if h == results.default.h else results.sensitive
        rates = [nominal.alarms, *(row.alarms[h] for row in results.stress)]
        values = np.array([rate.value for rate in rates])
        reach = [values - [rate.low for rate in rates], [rate.high for rate in rates] - values]
        axes.errorbar(values, names, xerr=reach, fmt=marker, color=colour, capsize=3, label=f"h = {h:g}")
    axes.axvline(0.30, color="#777777", linestyle=":", label="goal for h = 4, any cell")
    axes.invert_yaxis()
    _finish(axes, "The engine under stress (95% interval)", "False alarms per patient-month", "")
    axes.set(xlim=(0, None))
    axes.legend(fontsize=9)
