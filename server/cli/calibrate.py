"""`flask calibrate`: what the limits cost, by simulation. It reads no setting and no table, and stores nothing."""

from math import ceil, isnan

import click
from tqdm import tqdm

from server.trends import Thresholds
from server.trends.calibration.answers import WATCHED, measure_answers
from server.trends.calibration.costs import CELLS, SEEDS, Cost, Seeds, measure_cells, search_limit
from server.trends.calibration.measures import DAYS_A_MONTH
from server.trends.calibration.report import report
from server.trends.calibration.simulation import DAYS

LOWEST, HIGHEST = 1.0, 20.0  # what a clinic may set
ENOUGH = 50  # false alarms to choose a limit on: fewer would make it a matter of luck
Limits = tuple[float, ...]


def _numbers(_context: click.Context, _option: click.Parameter, values: Limits) -> Limits:
    """NaN is within every range."""
    if any(map(isnan, values)):
        raise click.BadParameter("nan is not a number to go by.")
    return values


@click.command()
@click.option(
    "--h",
    "given",
    type=click.FloatRange(LOWEST, HIGHEST),
    multiple=True,
    callback=_numbers,
    help="A limit of the detector to measure (may be given again).  [default: the one in force]",
)
@click.option(
    "--target",
    "targets",
    type=click.FloatRange(0.001, 2),
    multiple=True,
    callback=_numbers,
    metavar="RATE",
    help="Search the limit for so many false alarms per patient-month of one item, and measure it.",
)
@click.option("--patients", type=click.IntRange(100, 20_000), default=4_000, show_default=True, help="For each figure.")
@click.option("--seed", type=click.IntRange(0), help="Other simulated patients than those of docs/trends.md.")
def calibrate(given: Limits, targets: Limits, patients: int, seed: int | None) -> None:
    """Simulate patients, and report what the limits cost and find.

    A limit is searched on some patients and measured on others.
    """
    seeds = SEEDS if seed is None else Seeds.of(seed)
    chosen = {_search(target, patients, seeds): target for target in targets}
    limits = dict.fromkeys([*given, *chosen] or [Thresholds().h])
    costs: list[Cost] = []
    for cell in tqdm(measure_cells(list(limits), patients, seeds), desc="Cells", total=len(CELLS), unit="cell"):
        costs += cell
    rules = tqdm(measure_answers(patients, seeds), desc="Ratings and silences", total=len(WATCHED), unit="cell")
    answers = [cost for cell_costs in rules for cost in cell_costs]
    click.echo(report(costs, answers, patients, chosen))


def _search(target: float, patients: int, seeds: Seeds) -> float:
    needed = ENOUGH / (target * DAYS / DAYS_A_MONTH)
    if patients < needed:
        raise click.BadParameter(
            f"{target:g} is too rare to be measured on {patients} patients: --patients {ceil(needed)} or more.",
            param_hint="'--target'",
        )
    h = search_limit(target, patients, seeds)
    if h < LOWEST:
        raise click.BadParameter(
            f"{target:g} is more than the lowest limit that a clinic may set, {LOWEST:g}, would raise.",
            param_hint="'--target'",
        )
    return h
