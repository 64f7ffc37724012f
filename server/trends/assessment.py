"""Whole records, judged by every rule: one patient's, or those of many at once."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from server.trends.findings import Evidence, Finding
from server.trends.record import DAY, Record
from server.trends.rules import RULES, Rule
from server.trends.thresholds import Thresholds


def assess(record: Record, thresholds: Thresholds) -> tuple[Finding, ...]:
    """Every finding in the record, ordered by (day, rule).

    A pure function of the set of readings: their order does not matter, so a late entry is no special case.
    What it finds up to a day does not depend on what comes after that day.
    """
    return _in_order(_sign(rule, evidence, thresholds) for rule in RULES for evidence in rule.find(record, thresholds))


def assess_dated(record: Record, versions: Sequence[tuple[date, Thresholds]]) -> tuple[Finding, ...]:
    """As `assess`, each day judged by the thresholds in force on it: `versions` are (first day, thresholds), in order.

    A limit that is changed today raises nothing about yesterday, and yesterday's late check-in is still judged by
    yesterday's limit. Days before the first version are judged by it.
    """
    return tuple(
        finding
        for thresholds, first, end in _terms(versions)
        for finding in assess(record, thresholds)
        if first <= finding.day < end
    )


def assess_each(records: Sequence[Record], versions: Sequence[tuple[date, Thresholds]]) -> list[tuple[Finding, ...]]:
    """`assess_dated` of each record, together: a rule that can takes all of them at once."""
    found: list[list[Finding]] = [[] for _ in records]
    for thresholds, first, end in _terms(versions):
        # A version costs nothing for whoever has no day that it judges.
        judged = [who for who, record in enumerate(records) if _has_days(record, first, end)]
        for rule in RULES:
            each = rule.find_each([records[who] for who in judged], thresholds)
            for who, evidence in zip(judged, each, strict=True):
                found[who] += [_sign(rule, one, thresholds) for one in evidence if first <= one.day < end]
    return [_in_order(one) for one in found]


def _terms(versions: Sequence[tuple[date, Thresholds]]) -> Iterator[tuple[Thresholds, date, date]]:
    """Each version that judges any day, with the first of them and the one after the last."""
    firsts = [date.min, *(first for first, _ in versions[1:])]
    for (_, thresholds), first, end in zip(versions, firsts, [*firsts[1:], date.max], strict=True):
        if first < end:
            yield thresholds, first, end


def _has_days(record: Record, first: date, end: date) -> bool:
    """Whether anything can be found on one of these days; a session is told of on the evening before it."""
    said = [reading.day for reading in (*record.readings[:1], *record.readings[-1:])]
    treated = record.course.first_day if record.course else None
    begins = min([*said, treated or date.max, record.monitored_from or date.max])
    return begins < end and first <= max([*said, record.today + DAY])


def _sign(rule: Rule, evidence: Evidence, thresholds: Thresholds) -> Finding:
    return Finding(
        rule=rule.name,
        rule_version=rule.version,
        severity=evidence.severity,
        day=evidence.day,
        sentence=evidence.sentence,
        basis=evidence.basis,
        thresholds=thresholds,
        figures=evidence.figures,
    )


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.day, finding.rule)))
