"""One patient's whole record, judged by every rule."""

from collections.abc import Sequence
from datetime import date

from server.trends.findings import Finding
from server.trends.record import Record
from server.trends.rules import RULES
from server.trends.thresholds import Thresholds


def assess(record: Record, thresholds: Thresholds) -> tuple[Finding, ...]:
    """Every finding in the record, ordered by (day, rule).

    A pure function of the set of readings: their order does not matter, so a late entry is no special case.
    What it finds up to a day does not depend on what comes after that day.
    """
    findings = [
        Finding(
            rule=rule.name,
            rule_version=rule.version,
            severity=evidence.severity,
            day=evidence.day,
            sentence=evidence.sentence,
            basis=evidence.basis,
            thresholds=thresholds,
            figures=evidence.figures,
        )
        for rule in RULES
        for evidence in rule.find(record, thresholds)
    ]
    return tuple(sorted(findings, key=lambda finding: (finding.day, finding.rule)))


def assess_dated(record: Record, versions: Sequence[tuple[date, Thresholds]]) -> tuple[Finding, ...]:
    """As `assess`, each day judged by the thresholds in force on it: `versions` are (first day, thresholds), in order.

    A limit that is changed today raises nothing about yesterday, and yesterday's late check-in is still judged by
    yesterday's limit. Days before the first version are judged by it.
    """
    firsts = [date.min, *(first for first, _ in versions[1:])]
    ends = [*firsts[1:], date.max]
    return tuple(
        finding
        for (_, thresholds), first, end in zip(versions, firsts, ends, strict=True)
        if first < end
        for finding in assess(record, thresholds)
        if first <= finding.day < end
    )
