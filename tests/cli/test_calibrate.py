"""`flask calibrate`: what the limits cost, without a database."""

import re

import pytest
from click.testing import Result
from flask import Flask

from server.app import create_app
from server.trends.calibration.costs import Seeds, measure_cells, search_limit
from server.trends.calibration.simulation import NOMINAL
from server.trends.calibration.tables import show_found, show_rate
from tests.factories import settings_for

PATIENTS = "150"


@pytest.fixture(scope="module")
def nowhere() -> Flask:
    """The application with a database that nobody answers for."""
    address = "postgresql://nobody:nothing@127.0.0.1:1/none"
    return create_app(settings_for(address, address))


def calibrate(app: Flask, *said: str) -> Result:
    return app.test_cli_runner().invoke(args=["calibrate", *said])


def test_the_report_has_every_figure_as_it_was_measured_and_ends_in_words(nowhere: Flask) -> None:
    result = calibrate(nowhere, "--patients", PATIENTS, "--seed", "3")
    assert result.exit_code == 0, result.output
    ((cost,),) = measure_cells([4.0], int(PATIENTS), Seeds.of(3), [NOMINAL])
    (row,) = re.findall(r"^  nominal +(.*)", result.stdout, re.MULTILINE)
    rates = [show_rate(rate) for rate in (cost.item, cost.both, cost.occasions)]
    assert re.split(r" {2,}", row) == [*rates, *map(show_found, cost.found.values())]
    assert len(re.findall(r"^  (no decline|60% missing|skips worse days) ", result.stdout, re.MULTILINE)) == 3
    *_, note, words = (paragraph.replace("\n", " ") for paragraph in result.stdout.strip().split("\n\n"))
    assert "use_reported, session_missed and safety_concern have no false alarms" in note
    assert words.startswith(
        f"With h = 4.0: of 100 patients watched for a month, expect about {100 * cost.both.value:.0f} alerts about "
        "rising craving or falling mood that nothing real stands behind"
    )
    assert words.endswith("no simulation can say.")


def test_a_limit_for_a_rate_is_searched_and_measured_beside_one_that_is_given(nowhere: Flask) -> None:
    result = calibrate(nowhere, "--patients", PATIENTS, "--seed", "3", "--h", "5", "--target", "0.3")
    assert result.exit_code == 0, result.output
    h = search_limit(0.3, int(PATIENTS), Seeds.of(3))
    titles = [line.partition(":")[0] for line in result.stdout.splitlines() if line.startswith("h = ")]
    assert titles == ["h = 5.0", f"h = {h:.2f}".removesuffix("0") + ", chosen on other patients for 0.3 of one item"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (("--h", "0.5"), "0.5 is not in the range 1.0<=x<=20.0"),
        (("--h", "nan"), "nan is not a number to go by"),
        (("--h", "much"), "'much' is not a valid float"),
        (("--target", "0"), "0.0 is not in the range"),
        (("--target", "0.01", "--patients", "150"), "too rare to be measured on 150 patients: --patients 1812 or more"),
        (("--target", "2", "--patients", "150"), "more than the lowest limit that a clinic may set"),
        (("--patients", "99"), "99 is not in the range"),
        (("--patients", "1e9"), "'1e9' is not a valid integer"),
        (("--seed", "-1"), "-1 is not in the range"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_reason(nowhere: Flask, said: tuple[str, ...], reason: str) -> None:
    result = calibrate(nowhere, *said)
    assert (result.exit_code, reason in result.output) == (2, True), result.output
