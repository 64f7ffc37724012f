"""The rule that no schedule decides: it is asked the moment an answer is stored."""

from datetime import date

from server.trends.findings import Finding, Severity
from server.trends.sentences import name_day
from server.trends.thresholds import Thresholds


def safety_concern(day: date, thresholds: Thresholds) -> Finding:
    """What a yes to the question about thoughts of self-harm says, always and at once."""
    return Finding(
        rule="safety_concern",
        rule_version=1,
        severity=Severity.URGENT,
        day=day,
        sentence=f"Answered yes to the question about thoughts of self-harm on {name_day(day, day)}.",
        basis=(day,),
        thresholds=thresholds,
    )
