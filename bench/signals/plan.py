"""What is measured, on how many patients, from which seeds."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.signals.detectors import DETECTORS, ENGINE
from bench.signals.diaries import Diary, DiaryRow, measure_diary
from bench.signals.measure import TARGETS, Bench, Row
from bench.signals.pairs import PairRow, measure_pairs
from bench.signals.runlengths import RunLength, run_lengths
from bench.signals.variants import AS_IT_IS, BEST, VARIANTS, Variant, as_detector
from server.trends import Thresholds
from server.trends.calibration.costs import SEEDS, Cohort, draw_episodes, false_alarms, found_in_time
from server.trends.calibration.measures import Found, Rate, alarm_rate, limit_for
from server.trends.calibration.simulation import NOMINAL, STRESS, Cell, Episode, simulate

DEFAULT, SENSITIVE = Thresholds().h, 3.0  # the engine's limits, fixed before any test
SWEEP = (0.05, 0.10, 0.15, 0.20, 0.25, 0.35, 0.50, 0.70)  # false alarms per patient-month, for the figure
Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Patients, runs and seeds. A seed is never used for two purposes."""

    controls: int
    episodes: int  # of each type
    stressed: int  # in each cell
    runs: int  # of each run length
    splits: int  # of the persons of a diary
    note: str = ""  # printed first
    sweep: tuple[float, ...] = SWEEP
    variants: tuple[Variant, ...] = VARIANTS
    calibration_seed: int = SEEDS.calibration[0]
    test_seed: int = SEEDS.test[0]
    stress_seed: int = SEEDS.stress[0]
    run_seed: int = 20260404
    pair_seed: int = 20260505
    diary_seed: int = 20260606


FULL = Sizes(controls=4000, episodes=4000, stressed=4000, runs=150_000, splits=20)
SHORT = Sizes(
    controls=400,
    episodes=300,
    stressed=200,
    runs=500,
    splits=2,
    note="Short form: too few patients and runs to judge the goals by.",
    sweep=TARGETS,
    variants=(AS_IT_IS, *BEST),
)


@dataclass(frozen=True, slots=True)
class StressRow:
    """The engine in one cell, at its default limit and at the sensitive one."""

    cell: str
    alarms: dict[float, Rate]  # by limit
    found: dict[Episode, Found]  # at the default limit; empty for a slow rise, which has no onset


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A changed engine at the limit that gives it the engine's own false alarms."""

    row: Row
    worst: Rate  # false alarms in the stress cell where it has most
    cell: str


@dataclass(frozen=True, slots=True)
class Results:
    default: Row  # the engine at its default limit
    sensitive: Row
    detectors: list[Row]
    stress: list[StressRow]
    slow_rise: list[StressRow]
    run_lengths: list[RunLength]
    variants: list[VariantRow]
    pairs: list[PairRow]
    diaries: dict[str, list[DiaryRow]]


def measure_detectors(sizes: Sizes, test: Cohort, progress: Progress) -> list[Row]:
    """Every detector at every rate of the sweep."""
    calibration = simulate(sizes.controls, sizes.calibration_seed, Episode.CONTROL)
    rows: list[Row] = []
    for detector in DETECTORS:
        progress(detector.name)
        rows.extend(Bench(detector, calibration, test).rows(sizes.sweep))
    return rows


def measure_stress(sizes: Sizes, episode: Episode, cells: tuple[Cell, ...], progress: Progress) -> list[StressRow]:
    """The engine in each cell: false alarms of `episode`, a control or a slow rise, and what it finds there."""
    rows = []
    for number, cell in enumerate(cells):
        progress(f"{episode}, {cell.name}")
        seed = (sizes.stress_seed, list(Episode).index(episode), number)
        quiet = simulate(sizes.stressed, (*seed, 0), episode, cell)
        alarms = {h: false_alarms(quiet, h) for h in (DEFAULT, SENSITIVE)}
        worse = draw_episodes(sizes.stressed, seed, cell) if episode == Episode.CONTROL else {}
        found = found_in_time(worse, DEFAULT)
        rows.append(StressRow(cell.name, alarms, found))
    return rows


def measure_variants(sizes: Sizes, test: Cohort, progress: Progress) -> list[VariantRow]:
    """Every variant, with the false alarms that the engine has at its default limit on the calibration patients."""
    calibration = simulate(sizes.controls, sizes.calibration_seed, Episode.CONTROL)
    target = false_alarms(calibration, DEFAULT).value
    cells = [
        simulate(sizes.stressed, (sizes.stress_seed, 99, at), Episode.CONTROL, cell) for at, cell in enumerate(STRESS)
    ]
    rows = []
    for variant in sizes.variants:
        progress(f"variant: {variant.name}")
        detector = as_detector(variant)
        h = limit_for(detector.watch(calibration), calibration.watched, target, detector.limits)
        row = Bench(detector, calibration, test).at(h, target)
        rates = [alarm_rate(detector.watch(cell)(h), cell.watched) for cell in cells]
        worst = max(range(len(rates)), key=lambda at: rates[at].value)
        rows.append(VariantRow(row, rates[worst], STRESS[worst].name))
    return rows


def measure_diaries(sizes: Sizes, diaries: list[Diary], progress: Progress) -> dict[str, list[DiaryRow]]:
    """Every detector that needs no truth, and the variants worth a second look."""
    rows: dict[str, list[DiaryRow]] = {diary.name: [] for diary in diaries}
    able = [detector for detector in DETECTORS if not detector.knows_truth] + [as_detector(one) for one in BEST]
    for diary in diaries:
        for detector in able:
            progress(f"{diary.name}: {detector.name}")
            rows[diary.name].extend(measure_diary(detector, diary, sizes.splits, sizes.diary_seed))
    return rows


def measure_all(sizes: Sizes, diaries: list[Diary], progress: Progress) -> Results:
    """Everything, a few minutes for the full sizes."""
    test = Cohort(
        simulate(sizes.controls, (sizes.test_seed, 0), Episode.CONTROL),
        draw_episodes(sizes.episodes, (sizes.test_seed,), NOMINAL),
    )
    engine = Bench(ENGINE, test.controls, test)
    detectors = measure_detectors(sizes, test, progress)
    stress = measure_stress(sizes, Episode.CONTROL, STRESS, progress)
    slow = measure_stress(sizes, Episode.SLOW_RISE, (NOMINAL, STRESS[2]), progress)
    variants = measure_variants(sizes, test, progress)
    progress("run lengths")
    lengths = run_lengths(sizes.runs, sizes.run_seed)
    progress("two items")
    pairs = measure_pairs(sizes.stressed, sizes.pair_seed, TARGETS[1])
    return Results(
        default=engine.at(DEFAULT),
        sensitive=engine.at(SENSITIVE),
        detectors=detectors,
        stress=stress,
        slow_rise=slow,
        run_lengths=lengths,
        variants=variants,
        pairs=pairs,
        diaries=measure_diaries(sizes, diaries, progress),
    )
