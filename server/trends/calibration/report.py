"""The report of a calibration, in plain text: its tables, what they rest on, and a verdict in words."""

from collections.abc import Iterator, Sequence
from textwrap import fill

from server.trends.calibration.answers import BUSIEST, SILENT, AnswerCost
from server.trends.calibration.costs import Cost
from server.trends.calibration.measures import WINDOW, Found, Rate
from server.trends.calibration.pairs import ALIKE
from server.trends.calibration.simulation import DAYS, NOMINAL
from server.trends.calibration.tables import FOUND_HEAD, show_found, show_rate, table

WIDTH = 100
COST_HEAD = ("cell", "one item (95%)", "both items (95%)", "occasions (95%)", *FOUND_HEAD)
ANSWER_HEAD = ("rule", "cell", "findings (95%)", "new (95%)", "patients", f"busiest {BUSIEST:.0%}")


def report(costs: Sequence[Cost], answers: Sequence[AnswerCost], patients: int, chosen: dict[float, float]) -> str:
    """The whole of it. `chosen`: the rate that a limit was calibrated for, by limit; the others were given."""
    limits = list(dict.fromkeys(cost.h for cost in costs))
    lines = [*_paragraph(_basis(patients))]
    for h in limits:
        lines += _costs([cost for cost in costs if cost.h == h], chosen.get(h))
    lines += [*_answers(answers), *_paragraph(verdict(costs, answers))]
    return "\n".join(lines).rstrip()


def _paragraph(text: str) -> Iterator[str]:
    yield fill(text, WIDTH)
    yield ""


def _basis(patients: int) -> str:
    return (
        f"{patients:,} simulated patients for each figure, {DAYS} days each; rates are per patient-month. The 95% "
        "intervals are those of so many patients: they say nothing of how real ones differ from simulated ones. "
        "Craving and mood of one patient are missed on the same days, go the same way under treatment, and their noise "
        f"has a correlation of {ALIKE:g} on a day. Both items: every alert of either; occasions: the same, alerts less "
        "than 8 days apart counted once. Found: any finding within so many days, the day of onset being the first."
    )


def _costs(costs: Sequence[Cost], target: float | None) -> Iterator[str]:
    lines = [
        (
            cost.cell,
            *(show_rate(rate) for rate in (cost.item, cost.both, cost.occasions)),
            *(show_found(cost.found[episode]) for episode in WINDOW),
        )
        for cost in costs
    ]
    origin = "" if target is None else f", chosen on other patients for {target:g} of one item"
    title = f"h = {_limit(costs[0].h)}{origin}: false alarms; found in time in one item / median day of those"
    return table(title, COST_HEAD, lines)


def _answers(answers: Sequence[AnswerCost]) -> Iterator[str]:
    lines = [
        (
            cost.rule,
            cost.cell,
            show_rate(cost.findings),
            show_rate(cost.begun),
            f"{cost.patients:.0%}",
            f"{cost.busiest:.0%}",
        )
        for cost in answers
    ]
    yield from table("Single ratings and silences of patients whom nothing befalls", ANSWER_HEAD, lines)
    yield from _paragraph(
        "New: not the day after another, and of a silence the first. Patients: those with any in the whole course; "
        f"then the share of all findings in the {BUSIEST:.0%} of patients who have most. use_reported, session_missed "
        "and safety_concern have no false alarms to count: they repeat what was answered or recorded. off_track lists "
        "a patient once a course at most."
    )


def verdict(costs: Sequence[Cost], answers: Sequence[AnswerCost]) -> str:
    """What a clinic may expect, of 100 patients and a month."""
    limits = dict.fromkeys(cost.h for cost in costs)
    said = [_of_limit([cost for cost in costs if cost.h == h]) for h in limits]
    nominal = [cost for cost in answers if cost.cell == NOMINAL.name]
    return " ".join([*said, _of_answers(nominal), "How many real lapses are found, no simulation can say."])


def _of_limit(costs: Sequence[Cost]) -> str:
    nominal = next(cost for cost in costs if cost.cell == NOMINAL.name)
    worst = max(costs, key=lambda cost: cost.both.value)
    step_2, step_3, ramp = (_found(nominal.found[episode], days) for episode, days in WINDOW.items())
    return (
        f"With h = {_limit(nominal.h)}: of 100 patients watched for a month, expect about "
        f"{_hundred(nominal.both)} alerts about rising craving or falling mood that nothing real stands behind, on "
        f"{_hundred(nominal.occasions)} occasions ({_hundred(nominal.item)} alerts if only one of the two is "
        f"watched), and {_hundred(worst.both)} under the least kind assumptions ({worst.cell}). Of 100 who get worse "
        f"by 2 points at once and stay so, {step_2}; by 3 points, {step_3}; by 3 points over two weeks, {ramp}."
    )


def _found(found: Found, days: int) -> str:
    if not found.share.value:
        return f"none is found within {days} days"
    return f"{_hundred(found.share)} are found within {days} days, half of these by day {found.median:g}"


def _of_answers(answers: Sequence[AnswerCost]) -> str:
    ratings = " and ".join(
        f"{_hundred(cost.findings)} findings of {cost.rule} ({cost.busiest:.0%} of them in the "
        f"{100 * BUSIEST:.0f} patients who have most)"
        for cost in answers
        if cost.in_force and cost.rule != SILENT.name
    )
    silences = next(cost for cost in answers if cost.rule == SILENT.name)
    return (
        f"Whatever h is, a month of 100 patients in whom nothing changes brings {ratings}, which are true answers "
        f"and no errors, and {_hundred(silences.begun)} silences that end by themselves."
    )


def _limit(h: float) -> str:
    return f"{h:.2f}".removesuffix("0")


def _hundred(rate: Rate) -> int:
    """Of 100 patients."""
    return round(100 * rate.value)
