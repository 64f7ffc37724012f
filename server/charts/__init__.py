"""Pictures: plain values in, SVG text out; no database and no request."""

from server.charts.drawing import draw, draw_for_page
from server.charts.qr import draw_qr
from server.charts.values import Alert, Chart, Day, Rated, Session, SessionState, Severity

__all__ = ["Alert", "Chart", "Day", "Rated", "Session", "SessionState", "Severity", "draw", "draw_for_page", "draw_qr"]
