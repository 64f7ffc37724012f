"""The two panels of ratings and the strip of sessions, all over the same days."""

from itertools import groupby
from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from server.charts.marks import ALERT_MARKS, RATING, SESSION_MARKS
from server.charts.palette import BAND, GRID, INK, PAPER, SOFT
from server.charts.values import Chart, Rated
from server.charts.words import SEVERITIES, name_day, name_span

TEXT = 13.0
# Above the ratings, where no rating can be.
ALERT_LANE = 11.6
LABELS = 4  # days that have room for their name


def draw_ratings(axes: Axes, chart: Chart, item: Literal["craving", "mood"], heading: str) -> None:
    """One item: the expected band, the ratings over it, the alerts above."""
    rated: list[Rated] = [getattr(day, item) for day in chart.days]
    _frame(axes, chart, heading)
    axes.set_ylim(-0.5, 12.6)
    axes.set_yticks([0, 5, 10])
    axes.spines["left"].set_bounds(0, 10)
    axes.hlines([0, 5, 10], -0.5, len(rated) - 0.5, colors=GRID, linewidths=1, zorder=0.5)
    _draw_band(axes, rated)
    # A day without a rating is NaN, which interrupts the line: a gap stays a gap.
    heights = [np.nan if one.rating is None else one.rating for one in rated]
    axes.plot(range(len(rated)), heights, **RATING, markersize=dot_size(len(rated)))
    # The most pressing last, so that it is on top.
    for alert in sorted(chart.alerts, key=lambda alert: SEVERITIES.index(alert.severity), reverse=True):
        if alert.about in (item, None):
            place = chart.place(alert.day)
            mark = ALERT_MARKS[alert.severity]
            axes.vlines(place, 0, ALERT_LANE, colors=mark["color"], linewidths=1, linestyles=(0, (2, 2)), zorder=2.5)
            axes.plot([place], [ALERT_LANE], **mark, clip_on=False)


def draw_sessions(axes: Axes, chart: Chart) -> None:
    """One mark a day and state, however many sessions that day had; and the names of days, for all panels."""
    _frame(axes, chart, "TMS sessions")
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    # Ticks with room between them, also for a year of days.
    thin = {"attended": {"markeredgewidth": min(2.0, 150.0 / len(chart.days))}}
    for state, mark in SESSION_MARKS.items():
        places = sorted({chart.place(session.day) for session in chart.sessions if session.state == state})
        axes.plot(places, [0] * len(places), **mark | thin.get(state, {}), clip_on=False)
    _name_days(axes, chart)


def dot_size(days: int) -> float:
    """Dots that leave each other room, in points."""
    return float(np.clip(300.0 / days, 1.6, 5.5))


def _frame(axes: Axes, chart: Chart, heading: str) -> None:
    axes.set_facecolor(PAPER)
    axes.set_xlim(-0.5, len(chart.days) - 0.5)
    axes.set_xticks(_labelled(len(chart.days)), [])
    axes.set_title(heading, loc="left", fontsize=TEXT + 1, fontweight="bold", color=INK, x=-0.04, pad=5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(SOFT)
    axes.tick_params(colors=SOFT, labelcolor=SOFT, labelsize=TEXT, length=4, pad=3)


def _draw_band(axes: Axes, rated: list[Rated]) -> None:
    """Expected, give or take one SD: one area for each run of days on which something was expected."""
    for known, run in groupby(enumerate(rated), key=lambda placed: placed[1].expected is not None):
        if not known:
            continue
        placed = [(place, one.expected or 0.0, one.expected_sd or 0.0) for place, one in run]
        # Half a day more on both sides, so that a single day is seen, too.
        places, means, sds = (np.array([each[0], *each, each[-1]]) for each in zip(*placed, strict=True))
        edges = places + np.array([-0.5, *[0.0] * (len(places) - 2), 0.5])
        low, high = np.clip(means - sds, 0, 10), np.clip(means + sds, 0, 10)
        axes.fill_between(edges, low, high, color=BAND, linewidth=0, zorder=1)
        axes.plot(edges, np.clip(means, 0, 10), color=SOFT, linewidth=1, linestyle=(0, (5, 3)), zorder=1.5)


def _name_days(axes: Axes, chart: Chart) -> None:
    places = _labelled(len(chart.days))
    axes.set_xticks(places, [name_day(chart.days[place].day) for place in places])
    # The name of the last day ends under it: centred, it would leave the picture.
    if len(chart.days) > LABELS:
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
    axes.set_xlabel(name_span(chart), fontsize=TEXT, color=SOFT)


def _labelled(days: int) -> list[int]:
    """Days at whole weeks from the last one back, as few weeks apart as leaves room for their names."""
    weeks = max(1, -(-days // (7 * LABELS)))
    step = 7 * weeks if days > 2 * LABELS else -(-days // LABELS)
    return list(range((days - 1) % step, days, step))
