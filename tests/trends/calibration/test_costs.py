"""What the limits cost is what the measuring functions, and the rules themselves, find."""

from pathlib import Path

import numpy as np
import pytest

from server.trends import Thresholds, assess
from server.trends.calibration.answers import RATINGS, SILENT, WATCHED, measure_answers, records
from server.trends.calibration.costs import CELLS, SEEDS, Seeds, measure_cells, search_limit
from server.trends.calibration.detection import engine_findings
from server.trends.calibration.measures import WINDOW, alarm_rate, found_share
from server.trends.calibration.pairs import each_item, simulate_pair
from server.trends.calibration.simulation import DAYS, NOMINAL, STRESS, Episode, simulate
from server.trends.calibration.tables import show_rate

PATIENTS, H = 200, 4.0
MINE = Seeds.of(7)


def test_a_cell_has_the_figures_of_the_measuring_functions() -> None:
    ((three, four),) = measure_cells([3.0, H], PATIENTS, MINE, cells=[STRESS[2]])
    seed = (*MINE.stress, 0, 2)
    quiet = simulate(PATIENTS, (*seed, 0), Episode.CONTROL, STRESS[2])
    assert (four.cell, four.h) == ("no decline", H)
    assert four.item == alarm_rate(engine_findings(quiet, H), quiet.watched)
    pair = simulate_pair(PATIENTS, (*MINE.pairs, 3), cell=STRESS[2])
    assert four.both.value == pytest.approx(
        sum(alarm_rate(engine_findings(item, H), item.watched).value for item in pair[:2])
    )
    worse = simulate(PATIENTS, (*seed, 1), Episode.STEP_2, STRESS[2])
    assert four.found[Episode.STEP_2] == found_share(engine_findings(worse, H), worse.onset, WINDOW[Episode.STEP_2])
    assert three.item.value > four.item.value
    assert three.occasions.value < three.both.value


def test_the_nominal_cell_is_measured_on_the_test_seed() -> None:
    ((cost,),) = measure_cells([H], PATIENTS, cells=[NOMINAL])
    quiet = simulate(PATIENTS, (*SEEDS.test, 0), Episode.CONTROL)
    assert cost.item == alarm_rate(engine_findings(quiet, H), quiet.watched)


def test_the_documentation_says_what_the_command_measures() -> None:
    written = (Path(__file__).parents[3] / "docs/trends.md").read_text()
    ((nominal,), (no_decline,)) = measure_cells([Thresholds().h], 4_000, cells=[NOMINAL, STRESS[2]])
    for cost, name in ((nominal, "nominal"), (no_decline, "treatment brings no decline")):
        found = cost.found[Episode.STEP_2]
        row = (name, show_rate(cost.item), show_rate(cost.both), f"{found.share.value:.1%}, {found.median:g}")
        assert f"| {' | '.join(row)} |" in written


def test_a_limit_found_on_some_patients_holds_on_others() -> None:
    target = 0.25
    h = search_limit(target, 1_000, MINE)
    assert h == round(h, 2)
    ((cost,),) = measure_cells([h], 1_000, MINE, cells=[NOMINAL])
    assert cost.item.low <= target <= cost.item.high
    chosen_on = simulate(1_000, MINE.calibration, Episode.CONTROL)
    assert alarm_rate(engine_findings(chosen_on, h), chosen_on.watched).value <= target


def test_every_cell_is_measured_once() -> None:
    measured = [cost.cell for costs in measure_cells([H], 20, MINE) for cost in costs]
    assert measured == [cell.name for cell in CELLS]
    assert len(set(measured)) == 10


def test_the_arrays_and_the_rules_find_the_same() -> None:
    """Of 20 simulated patients outside treatment: every rule, run on the record that a database would hold."""
    pair = simulate_pair(20, 8)
    pair = [type(item)(item.ratings, np.zeros(DAYS, np.int64), item.onset, item.watched) for item in pair]
    spoken = each_item(pair, (0, 1), 2.0)
    counts = dict.fromkeys(("craving_rising", "mood_falling", "craving_severe", "mood_very_low"), 0)
    for record in records(pair):
        for finding in assess(record, Thresholds(h=2.0)):
            if finding.rule in counts:
                counts[finding.rule] += 1
    assert counts["craving_rising"] == spoken[0].sum() > 0
    assert counts["mood_falling"] == spoken[1].sum() > 0
    assert counts["craving_severe"] == (pair[0].ratings >= 9).sum() > 0
    assert counts["mood_very_low"] == (pair[1].ratings >= 9).sum() > 0


def test_answers_are_counted_by_the_rules_own_functions() -> None:
    (nominal, *silent) = measure_answers(PATIENTS, MINE)
    ratings = [item.ratings for item in simulate_pair(PATIENTS, (*MINE.answers, 0))]
    days = np.full(PATIENTS, DAYS)
    past = [ratings[0] >= 9, ratings[0] >= 10, ratings[1] >= 9, ratings[1] >= 10]
    assert [cost.rule for cost in nominal] == [*(rule.name for rule in RATINGS), SILENT.name]
    for cost, fired in zip(nominal, past, strict=False):
        assert cost.findings == alarm_rate(fired, days)
        follows = fired[:, 1:] & fired[:, :-1]
        assert cost.begun.value == pytest.approx(alarm_rate(fired, days).value - alarm_rate(follows, days).value)
        assert cost.patients == fired.any(axis=1).mean()
        assert 0.05 < cost.busiest <= 1.0
    assert [cost.in_force for cost in nominal] == [True, False, True, False, True]
    assert [costs[0].cell for costs in silent] == [cell.name for cell, _ in WATCHED[1:]]
    assert all(0 < costs[0].begun.value <= costs[0].findings.value < 0.4 for costs in [nominal[-1:], *silent])
