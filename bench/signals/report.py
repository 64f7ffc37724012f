"""The tables, in plain text."""

from collections.abc import Iterator, Sequence

from bench.signals.diaries import DiaryRow
from bench.signals.goals import goals
from bench.signals.measure import TARGETS, Row
from bench.signals.plan import DEFAULT, SENSITIVE, Results, StressRow
from server.trends.calibration.measures import WINDOW
from server.trends.calibration.simulation import Episode
from server.trends.calibration.tables import FOUND_HEAD, show_found, show_rate, table


def report(results: Results) -> Iterator[str]:
    """Every table, line by line."""
    yield from _goals(results)
    yield from _detectors(results.detectors)
    yield from _fixed(results)
    yield from _stress(results)
    yield from _run_lengths(results)
    yield from _variants(results)
    yield from _pairs(results)
    for name, rows in results.diaries.items():
        yield from _diary(name, rows)


def _goals(results: Results) -> Iterator[str]:
    lines = [(goal.measure, goal.goal, goal.measured, "met" if goal.met else "NOT MET") for goal in goals(results)]
    yield from table(
        f"Goals: the engine at its default limit, h = {DEFAULT}", ("measure", "goal", "measured", ""), lines
    )


def _detectors(rows: Sequence[Row]) -> Iterator[str]:
    for target in TARGETS:
        lines = [
            (
                row.detector,
                f"{row.h:.3f}",
                show_rate(row.alarms),
                *(show_found(row.found[episode]) for episode in WINDOW),
            )
            for row in rows
            if row.target == target
        ]
        title = (
            f"Limits calibrated for {target:.2f} false alarms per patient-month; found in time / median day of those"
        )
        yield from table(title, ("detector", "limit", "false alarms (95%)", *FOUND_HEAD), lines)


def _fixed(results: Results) -> Iterator[str]:
    lines = [
        (f"h = {row.h:.1f}", show_rate(row.alarms), *(show_found(row.found[episode]) for episode in WINDOW))
        for row in (results.default, results.sensitive)
    ]
    yield from table("The engine at fixed limits", ("limit", "false alarms (95%)", *FOUND_HEAD), lines)


def _stress(results: Results) -> Iterator[str]:
    limits = (f"at h = {DEFAULT} (95%)", f"at h = {SENSITIVE} (95%)")
    lines = [
        (row.cell, *_alarms(row), *(show_found(row.found[episode]) for episode in WINDOW)) for row in results.stress
    ]
    title = f"The engine under stress: false alarms per patient-month, and what it finds at h = {DEFAULT}"
    yield from table(title, ("cell", *limits, *FOUND_HEAD), lines)
    slow = [(row.cell, *_alarms(row)) for row in results.slow_rise]
    title = (
        f"{Episode.SLOW_RISE.capitalize()} of 0-1 point over the course, a true worsening: findings per patient-month"
    )
    yield from table(title, ("cell", *limits), slow)


def _alarms(row: StressRow) -> tuple[str, str]:
    return show_rate(row.alarms[DEFAULT]), show_rate(row.alarms[SENSITIVE])


def _run_lengths(results: Results) -> Iterator[str]:
    lines = [
        (
            run.chart,
            f"{run.shift:g}",
            "" if run.published is None else f"{run.published:g}",
            f"{run.theory:.2f}",
            f"{run.simulated:.2f}",
            f"{run.error:.2f}",
            f"{run.off:+.2%}",
        )
        for run in results.run_lengths
    ]
    head = ("chart", "shift", "published", "Markov chain", "simulated", "s.e.", "off")
    yield from table("Run lengths on independent normal readings, parameters known", head, lines)


def _variants(results: Results) -> Iterator[str]:
    lines = [
        (
            one.row.detector,
            f"{one.row.h:.2f}",
            show_rate(one.row.alarms),
            f"{one.worst.value:.3f} ({one.cell})",
            *(show_found(one.row.found[episode]) for episode in WINDOW),
        )
        for one in results.variants
    ]
    title = "Tried to beat the engine, each at the engine's own false alarms"
    yield from table(title, ("variant", "limit", "false alarms (95%)", "worst cell", *FOUND_HEAD), lines)


def _pairs(results: Results) -> Iterator[str]:
    moves = list(results.pairs[0].found)
    lines = [
        (row.rule, f"{row.h:.2f}", f"{row.alarms:.3f}", *(show_found(row.found[name]) for name in moves))
        for row in results.pairs
    ]
    head = ("rule", "limit", "false alarms", *(f"{name} +2, 14 d" for name in moves))
    yield from table("Two items, limits calibrated for the same false alarms", head, lines)


def _diary(name: str, rows: Sequence[DiaryRow]) -> Iterator[str]:
    shifts = list(rows[0].shares)
    lines = [
        (
            row.detector,
            f"{row.target:.2f}",
            f"{row.alarms:.2f} ({row.alarms_range[0]:.2f}-{row.alarms_range[1]:.2f})",
            *(f"{row.shares[one]:.1%} ({row.ranges[one][0]:.0%}-{row.ranges[one][1]:.0%})" for one in shifts),
        )
        for row in rows
    ]
    head = ("detector", "aim", "false alarms", *(f"{shift:+g}, 14 d" for shift in shifts))
    yield from table(f"Real diaries, injected shifts: {name}; mean of the splits (5th-95th percentile)", head, lines)
