"""Craving and mood over the same days: what was reported, what was expected, the sessions, the alerts.

Made for 360 px of a phone and for grey paper: everything differs by shape, nothing by colour alone.
"""

from threading import Lock

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from server.charts import panels, svg
from server.charts.key import draw_key
from server.charts.values import Chart
from server.charts.words import summarise

# In points, which are px when the picture is shown at its own size. It is the same for every picture, so that a
# page can leave room for it.
WIDTH, HEIGHT = 340.0, 508.0
LEFT, RIGHT = 22.0, 8.0
PANEL_TOPS = (24.0, 194.0)
PANEL_HEIGHT = 138.0
STRIP_TOP, STRIP_HEIGHT = 362.0, 16.0
KEY_TOP = 418.0
# Matplotlib promises nothing to threads.
_one_at_a_time = Lock()


def draw(chart: Chart) -> str:
    """The picture as an SVG document, dark on white, for any reader and for paper."""
    return svg.document(_drawn(chart), (WIDTH, HEIGHT), chart.title, summarise(chart))


def draw_for_page(chart: Chart) -> str:
    """The same for a browser, light or dark as the page around it."""
    return svg.document(svg.light_or_dark(_drawn(chart)), (WIDTH, HEIGHT), chart.title, summarise(chart))


def _drawn(chart: Chart) -> str:
    with _one_at_a_time:
        figure = Figure(figsize=(WIDTH / 72.0, HEIGHT / 72.0), dpi=72)
        craving, mood = (_axes(figure, top, PANEL_HEIGHT) for top in PANEL_TOPS)
        panels.draw_ratings(craving, chart, "craving", "Craving (higher is worse)")
        panels.draw_ratings(mood, chart, "mood", "Mood (higher is better)")
        panels.draw_sessions(_axes(figure, STRIP_TOP, STRIP_HEIGHT), chart)
        draw_key(figure, chart, 1.0 - KEY_TOP / HEIGHT)
        return svg.contents(figure)


def _axes(figure: Figure, top: float, tall: float) -> Axes:
    """Axes `top` points below the upper edge, as wide as the picture."""
    wide = WIDTH - LEFT - RIGHT
    return figure.add_axes((LEFT / WIDTH, 1.0 - (top + tall) / HEIGHT, wide / WIDTH, tall / HEIGHT))
