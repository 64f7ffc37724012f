"""What the rules about single days and silences raise in patients whom nothing befalls: the rules' own functions,
on the records of simulated pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from server.trends.calibration.costs import SEEDS, Seeds
from server.trends.calibration.measures import Rate, alarm_rate
from server.trends.calibration.pairs import simulate_pair
from server.trends.calibration.simulation import DAYS, NOMINAL, STRESS, Caseload, Cell
from server.trends.findings import Severity
from server.trends.items import CRAVING, MOOD
from server.trends.limits import craving_severe, mood_very_low
from server.trends.readings import HIGHEST, Reading
from server.trends.record import Record
from server.trends.rules import Find
from server.trends.silence import gone_silent
from server.trends.state import Ints
from server.trends.thresholds import Thresholds

FIRST_DAY = date(2025, 1, 6)  # any day would do
BUSIEST = 0.05  # of patients
LIMITS = Thresholds()


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule at its limits; `begins`: the severity of a finding that does not follow on another."""

    name: str
    find: Find
    thresholds: Thresholds
    begins: Severity


@dataclass(frozen=True, slots=True)
class AnswerCost:
    """What one rule raises per patient-month."""

    rule: str
    cell: str
    findings: Rate
    begun: Rate  # those that do not follow on another: an alert each, if the last is settled by then
    in_force: bool  # by default
    patients: float  # the share with any in the whole course
    busiest: float  # the share of all findings that the busiest patients have


def _severe(craving: float) -> Watched:
    limits = Thresholds(craving_severe=craving)
    return Watched(f"craving_severe, {craving:g} and up", craving_severe, limits, Severity.PROMPT)


def _very_low(mood: float) -> Watched:
    limits = Thresholds(mood_very_low=mood)
    return Watched(f"mood_very_low, {mood:g} and down", mood_very_low, limits, Severity.PROMPT)


SILENT = Watched(
    f"gone_silent, {LIMITS.silent_days} days, {LIMITS.silent_chance:.0%}", gone_silent, LIMITS, Severity.ROUTINE
)
# The limits in force, and those one point further.
RATINGS = (
    _severe(LIMITS.craving_severe),
    _severe(HIGHEST),
    _very_low(LIMITS.mood_very_low),
    _very_low(0.0),
)
WATCHED: tuple[tuple[Cell, tuple[Watched, ...]], ...] = (
    (NOMINAL, (*RATINGS, SILENT)),
    *((cell, (SILENT,)) for cell in STRESS if cell.name in {"5% missing", "60% missing"}),
)


def records(pair: Sequence[Caseload]) -> Iterator[Record]:
    """The record of each simulated patient, monitored for the whole course."""
    days = [FIRST_DAY + timedelta(days=day) for day in range(DAYS)]
    for craving, mood in zip(pair[0].ratings, pair[1].ratings, strict=True):
        said = tuple(
            Reading(day, CRAVING.turn(worse), MOOD.turn(low))
            for day, worse, low in zip(days, craving.tolist(), mood.tolist(), strict=True)
            if worse == worse  # not NaN; both are missed on the same days
        )
        yield Record(said, today=days[-1], monitored_from=days[0])


def measure_answers(patients: int, seeds: Seeds = SEEDS) -> Iterator[list[AnswerCost]]:
    """Each rule's cost, a cell at a time."""
    for number, (cell, rules) in enumerate(WATCHED):
        pair = simulate_pair(patients, (*seeds.answers, number), cell=cell)
        counts = np.array([[_count(record, rule) for rule in rules] for record in records(pair)])
        yield [_cost(rule, cell, counts[:, at], pair[0].watched) for at, rule in enumerate(rules)]


def _count(record: Record, rule: Watched) -> tuple[int, int]:
    """Findings, and those that begin."""
    severities = [evidence.severity for evidence in rule.find(record, rule.thresholds)]
    return len(severities), severities.count(rule.begins)


def _cost(rule: Watched, cell: Cell, counts: Ints, watched: Ints) -> AnswerCost:
    """`counts`: shape (patients, 2), as `_count` gives them."""
    found = np.sort(counts[:, 0])
    most = found[len(found) - round(BUSIEST * len(found)) :]
    return AnswerCost(
        rule.name,
        cell.name,
        findings=alarm_rate(counts[:, :1], watched),
        begun=alarm_rate(counts[:, 1:], watched),
        in_force=rule.thresholds == LIMITS,
        patients=float((found > 0).mean()),
        busiest=float(most.sum() / max(1, found.sum())),
    )
