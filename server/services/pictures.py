"""A patient's series as a picture."""

from typing import Literal

from server import charts
from server.charts import Rated
from server.models import Patient, SessionState
from server.services.series import AlertMark, DayOfSeries, Series
from server.trends.band import Expected

# A cancelled session is none: it is not drawn.
_STATES: dict[SessionState, charts.SessionState] = {
    SessionState.ATTENDED: "attended",
    SessionState.MISSED: "missed",
    SessionState.SCHEDULED: "scheduled",
}
_SEVERITIES: dict[str, charts.Severity] = {"urgent": "urgent", "prompt": "prompt", "routine": "routine"}
_ABOUT: dict[str, Literal["craving", "mood"]] = {
    "craving_rising": "craving",
    "craving_severe": "craving",
    "off_track": "craving",
    "mood_falling": "mood",
    "mood_very_low": "mood",
}


def chart_of(patient: Patient, series: Series) -> charts.Chart:
    """All that the chart shows, as plain values."""
    return charts.Chart(
        title=f"Craving and mood of patient {patient.code}",
        days=[_day(day) for day in series.days],
        sessions=[
            charts.Session(session.day, _STATES[session.state])
            for session in series.sessions
            if session.state in _STATES
        ],
        alerts=[_alert(alert, series) for alert in series.alerts],
    )


def _day(day: DayOfSeries) -> charts.Day:
    return charts.Day(day.day, _rated(day.craving, day.craving_expected), _rated(day.mood, day.mood_expected))


def _rated(rating: float | None, expected: Expected | None) -> Rated:
    return Rated(rating, expected.mean, expected.sd) if expected else Rated(rating)


def _alert(alert: AlertMark, series: Series) -> charts.Alert:
    """On the day that it fired; on the first day shown when it was raised before that and fired again since."""
    return charts.Alert(max(alert.day, series.window.first), _SEVERITIES[alert.severity], _ABOUT.get(alert.rule))
