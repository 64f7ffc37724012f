"""What a limit costs and finds: the same limit in every cell, on patients that it was not chosen on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil

from server.trends.calibration.detection import ENGINE_LIMITS, engine_findings
from server.trends.calibration.measures import WINDOW, Found, Rate, alarm_rate, found_share, limit_for
from server.trends.calibration.pairs import each_item, occasions, simulate_pair
from server.trends.calibration.simulation import NOMINAL, STRESS, Caseload, Cell, Episode, simulate

CELLS = (NOMINAL, *STRESS)


@dataclass(frozen=True, slots=True)
class Seeds:
    """Where simulated patients come from. A seed is never used for two purposes."""

    calibration: tuple[int, ...] = (20260101,)  # a limit is chosen on these
    test: tuple[int, ...] = (20260202,)  # and measured on these
    stress: tuple[int, ...] = (20260303,)
    pairs: tuple[int, ...] = (20260707,)
    answers: tuple[int, ...] = (20260808,)

    @classmethod
    def of(cls, seed: int) -> "Seeds":
        """Other patients for every purpose."""
        return cls(*((seed, purpose) for purpose in range(5)))


SEEDS = Seeds()  # those of the figures in the documentation


@dataclass(frozen=True, slots=True)
class Cohort:
    """A caseload of controls and one of each episode, of one seed."""

    controls: Caseload
    episodes: dict[Episode, Caseload]


@dataclass(frozen=True, slots=True)
class Cost:
    """One limit in one cell. Rates are false alarms per patient-month."""

    cell: str
    h: float
    item: Rate  # one item
    both: Rate  # craving and mood of one patient, every alert of either
    occasions: Rate  # the same, alerts less than 8 days apart counted once
    found: dict[Episode, Found]  # in time, in one item


def draw_episodes(patients: int, seed: tuple[int, ...], cell: Cell) -> dict[Episode, Caseload]:
    """Fresh patients for each episode that has an onset."""
    return {
        episode: simulate(patients, (*seed, number), episode, cell) for number, episode in enumerate(WINDOW, start=1)
    }


def draw_cohort(patients: int, seed: tuple[int, ...], cell: Cell) -> Cohort:
    """Fresh controls, and fresh patients for each episode."""
    return Cohort(simulate(patients, (*seed, 0), Episode.CONTROL, cell), draw_episodes(patients, seed, cell))


def false_alarms(quiet: Caseload, h: float) -> Rate:
    """Per patient-month of one item, of patients whom nothing befalls."""
    return alarm_rate(engine_findings(quiet, h), quiet.watched)


def found_in_time(worse: dict[Episode, Caseload], h: float) -> dict[Episode, Found]:
    """What of each episode is found within its window."""
    return {
        episode: found_share(engine_findings(caseload, h), caseload.onset, WINDOW[episode])
        for episode, caseload in worse.items()
    }


def search_limit(target: float, patients: int, seeds: Seeds = SEEDS) -> float:
    """The lowest limit, in hundredths, with at most `target` false alarms per patient-month of one item, nominally."""
    quiet = simulate(patients, seeds.calibration, Episode.CONTROL)
    return ceil(100 * limit_for(partial(engine_findings, quiet), quiet.watched, target, ENGINE_LIMITS)) / 100


def measure_cells(
    limits: Sequence[float], patients: int, seeds: Seeds = SEEDS, cells: Sequence[Cell] = CELLS
) -> Iterator[list[Cost]]:
    """The cost of every limit, a cell at a time; `patients` controls, pairs, and of each episode."""
    for cell in cells:
        at = CELLS.index(cell)
        cohort = draw_cohort(patients, (*seeds.stress, 0, at - 1) if at else seeds.test, cell)
        pair = simulate_pair(patients, (*seeds.pairs, at), cell=cell)
        yield [_cost(cell, h, cohort, pair) for h in limits]


def _cost(cell: Cell, h: float, cohort: Cohort, pair: list[Caseload]) -> Cost:
    spoken = each_item(pair, (0, 1), h)
    watched = pair[0].watched
    return Cost(
        cell.name,
        h,
        item=false_alarms(cohort.controls, h),
        both=alarm_rate(spoken.sum(axis=0), watched),
        occasions=alarm_rate(occasions(spoken), watched),
        found=found_in_time(cohort.episodes, h),
    )
