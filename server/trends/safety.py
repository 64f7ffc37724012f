"""The rule that no schedule decides: it is asked the moment an answer is stored."""

from datetime import date

from server.trends.findings import Finding, Severity
from server.trends.sentences import name_day
from server.trends.thresholds import Thresholds


def safety_concern(day: date, thresholds: Thresholds, *, taken: bool = True) -> Finding:
    """What a yes to the question about thoughts of self-harm says, always and at once.

    `taken`: False of one in a report that was refused, and came on that day: no check-in of the day says it.
    """
    named = name_day(day, day)
    when = f"on {named}" if taken else f"in a report that came on {named} and could not be taken"
    return Finding(
        rule="safety_concern",
        rule_version=1,
        severity=Severity.URGENT,
        day=day,
        sentence=f"Answered yes to the question about thoughts of self-harm {when}.",
        basis=(day,),
        thresholds=thresholds,
    )
