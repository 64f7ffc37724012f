"""The shapes: what each thing looks like, in the picture and in its key."""

from typing import Any

from server.charts.palette import INK, PAPER, PROMPT, ROUTINE, URGENT
from server.charts.values import SessionState, Severity

RATING: dict[str, Any] = {
    "color": INK,
    "linewidth": 1.0,
    "marker": "o",
    "markeredgewidth": 0,
    "zorder": 3,
}
# Attended is solid, missed is crossed, scheduled is hollow.
SESSION_MARKS: dict[SessionState, dict[str, Any]] = {
    "attended": {"color": INK, "linestyle": "none", "marker": "|", "markersize": 11, "markeredgewidth": 2},
    "missed": {"color": URGENT, "linestyle": "none", "marker": "x", "markersize": 6, "markeredgewidth": 1.8},
    "scheduled": {
        "color": INK,
        "linestyle": "none",
        "marker": "o",
        "markersize": 5,
        "markeredgewidth": 1.2,
        "markerfacecolor": PAPER,
    },
}
_ALERT: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 1.6, "zorder": 4}
ALERT_MARKS: dict[Severity, dict[str, Any]] = {
    "urgent": {**_ALERT, "color": URGENT, "marker": "v", "markersize": 11},
    "prompt": {**_ALERT, "color": PROMPT, "marker": "v", "markersize": 10, "markerfacecolor": PAPER},
    "routine": {**_ALERT, "color": ROUTINE, "marker": "D", "markersize": 7, "markerfacecolor": PAPER},
}
