"""One patient's whole history, judged by every rule."""

from collections.abc import Sequence
from itertools import pairwise

from server.trends.findings import Finding
from server.trends.readings import Reading, Treatment
from server.trends.rules import RULES
from server.trends.thresholds import Thresholds


def assess(readings: Sequence[Reading], treatment: Treatment | None, thresholds: Thresholds) -> tuple[Finding, ...]:
    """Every finding in the history, ordered by (day, rule).

    A pure function of the set of readings: their order does not matter, so a late entry is no special case.
    Raises ValueError for two readings of one day: which of them counts is the caller's to say.
    """
    history = sorted(readings, key=lambda reading: reading.day)
    for earlier, later in pairwise(history):
        if earlier.day == later.day:
            raise ValueError(f"two readings for {later.day}")
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
        for evidence in rule.find(history, treatment, thresholds)
    ]
    return tuple(sorted(findings, key=lambda finding: (finding.day, finding.rule)))
