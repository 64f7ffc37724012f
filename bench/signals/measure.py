"""One detector at one limit: its row of the table."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.signals.detectors import Detector
from server.trends.calibration.costs import Cohort
from server.trends.calibration.measures import WINDOW, Found, Rate, alarm_rate, found_share, limit_for
from server.trends.calibration.simulation import Caseload, Episode

TARGETS = (0.10, 0.25, 0.50)  # false alarms per patient-month


@dataclass(frozen=True, slots=True)
class Row:
    """One detector at one limit, on patients that the limit was not chosen on."""

    detector: str
    target: float | None  # false alarms that the limit was calibrated for; None where it was given
    h: float
    alarms: Rate
    found: dict[Episode, Found]


class Bench:
    """One detector, prepared on the cohorts that it is calibrated and tested on."""

    def __init__(self, detector: Detector, calibration: Caseload, test: Cohort) -> None:
        self.detector = detector
        self._calibration, self._calibrate = calibration, detector.watch(calibration)
        self._controls, self._on_controls = test.controls, detector.watch(test.controls)
        self._episodes = {episode: (one.onset, detector.watch(one)) for episode, one in test.episodes.items()}

    def rows(self, targets: tuple[float, ...] = TARGETS) -> Iterator[Row]:
        """A row for each rate of false alarms."""
        for target in targets:
            h = limit_for(self._calibrate, self._calibration.watched, target, self.detector.limits)
            yield self.at(h, target)

    def at(self, h: float, target: float | None = None) -> Row:
        """The row of one limit."""
        alarms = alarm_rate(self._on_controls(h), self._controls.watched)
        found = {
            episode: found_share(watch(h), onset, WINDOW[episode]) for episode, (onset, watch) in self._episodes.items()
        }
        return Row(self.detector.name, target, h, alarms, found)
