"""The key: of what is in the picture, and of nothing else."""

from typing import Any, TypeAlias

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from server.charts.marks import ALERT_MARKS, RATING, SESSION_MARKS
from server.charts.palette import BAND, INK
from server.charts.values import Chart

Entry: TypeAlias = tuple[str, Artist]
TEXT = 13.0


def draw_key(figure: Figure, chart: Chart, top: float) -> None:
    """In two columns, from `top` (a share of the height) down."""
    entries = _entries(chart)
    figure.legend(
        [handle for _, handle in entries],
        [label for label, _ in entries],
        loc="upper left",
        bbox_to_anchor=(0.0, top),
        ncols=2,
        frameon=False,
        fontsize=TEXT,
        labelcolor=INK,
        handlelength=1.6,
        columnspacing=1.2,
        borderpad=0.2,
    )


def _entries(chart: Chart) -> list[Entry]:
    """What there is to explain, in the order of reading."""
    states = {session.state for session in chart.sessions}
    severities = {alert.severity for alert in chart.alerts}
    entries: list[Entry] = [
        ("reported", _line(RATING | {"markersize": 5.5})),
        ("expected, ± 1 SD", Patch(facecolor=BAND, linewidth=0)),
    ]
    entries += [(f"session {state}", _line(mark)) for state, mark in SESSION_MARKS.items() if state in states]
    entries += [(f"{severity} alert", _line(mark)) for severity, mark in ALERT_MARKS.items() if severity in severities]
    return entries


def _line(mark: dict[str, Any]) -> Line2D:
    return Line2D([], [], **mark)
