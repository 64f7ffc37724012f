"""The picture in words, for whoever does not see it."""

from collections import Counter
from datetime import date

from server.charts.values import Chart, Rated

# Not strftime("%b"): that follows the locale of whichever machine draws.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Most pressing first.
SEVERITIES = ("urgent", "prompt", "routine")


def name_day(day: date) -> str:
    """As under the axis: 3 May."""
    return f"{day.day} {MONTHS[day.month - 1]}"


def name_span(chart: Chart) -> str:
    first, last = chart.days[0].day, chart.days[-1].day
    if first == last:
        return f"{name_day(last)} {last.year}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{name_day(first)}{year} to {name_day(last)} {last.year}"


def summarise(chart: Chart) -> str:
    """Which days, how many were reported, where both items stand, the sessions, the alerts."""
    rated = [day for day in chart.days if day.craving.rating is not None or day.mood.rating is not None]
    said = [f"{name_span(chart)}: check-ins on {len(rated)} of {len(chart.days)} days."]
    for label, ratings in (
        ("Craving", [(day.day, day.craving) for day in rated if day.craving.rating is not None]),
        ("Mood", [(day.day, day.mood) for day in rated if day.mood.rating is not None]),
    ):
        said += [_latest(label, *ratings[-1])] if ratings else []
    states = Counter(session.state for session in chart.sessions)
    counted = [f"{states[state]} {state}" for state in ("attended", "missed", "scheduled") if states[state]]
    said += [f"TMS sessions: {', '.join(counted)}."] if counted else []
    said += [_alerts(chart)] if chart.alerts else []
    return " ".join(said)


def _latest(label: str, day: date, said: Rated) -> str:
    """Where one item stands, against what was expected of that day."""
    if said.expected is None or said.expected_sd is None:
        return f"{label} was {said.rating:g} on {name_day(day)}."
    return f"{label} was {said.rating:g} on {name_day(day)}, expected {said.expected:.1f} ± {said.expected_sd:.1f}."


def _alerts(chart: Chart) -> str:
    by_pressure = sorted(chart.alerts, key=lambda alert: (SEVERITIES.index(alert.severity), alert.day))
    named = dict.fromkeys(
        f"{alert.severity}{f' about {alert.about}' if alert.about else ''} on {name_day(alert.day)}"
        for alert in by_pressure
    )
    return f"Alerts: {', '.join(named)}."
