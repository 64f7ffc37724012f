"""Simulated patients for the demo: what twelve people might report in forty days. Nobody real."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DAYS = 40
COURSE_STARTS = 7  # days into the diary


@dataclass(frozen=True, slots=True)
class Story:
    """One patient: a baseline, what treatment does, and what goes wrong from a day on (points, by day 40)."""

    craving: float
    mood: float
    treatment_helps: float = 2.0
    worsens_on: int | None = None
    craving_rises: float = 0.0
    mood_falls: float = 0.0
    at_once: bool = True
    misses: float = 0.1
    silent_from: int = DAYS
    slips: float = 0.0
    indication: str = "nicotine"
    target: str = "left_dlpfc"


STORIES = (
    Story(5.5, 5.0),
    Story(6.0, 4.5, worsens_on=29, craving_rises=4.0, mood_falls=1.5, indication="cocaine"),
    Story(4.5, 6.0, slips=0.08, indication="alcohol", target="right_dlpfc"),
    Story(5.0, 6.5, worsens_on=26, mood_falls=4.0, indication="alcohol"),
    Story(5.0, 5.5, treatment_helps=1.0, indication="opioids"),
    Story(4.5, 5.5, worsens_on=22, craving_rises=4.5, at_once=False, indication="methamphetamine"),
    Story(6.5, 4.0, treatment_helps=3.0, indication="nicotine", target="insula"),
    Story(5.5, 5.0, worsens_on=35, craving_rises=6.5, indication="cocaine"),
    Story(4.0, 6.5, misses=0.4, slips=0.15, indication="gambling"),
    Story(5.0, 5.0, silent_from=33, indication="opioids", target="medial_prefrontal"),
    Story(5.5, 6.0, treatment_helps=2.5, indication="nicotine"),
    Story(6.0, 5.0, treatment_helps=0.0, indication="methamphetamine"),
)


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """`day` counts from 0; ratings are whole numbers 0-10, as the app's form gives them."""

    day: int
    craving: int
    mood: int
    used: str


def days_of(story: Story, seed: int) -> Iterator[SimulatedDay]:
    """The diary, in order, with gaps. The same seed gives the same diary.

    Noise is first-order autoregressive, lag-1 correlation 0.3 and SD 1.1: within what diaries of
    single daily ratings show (SD 1.2 to 2.5 with rounding, correlation 0 to 0.25).
    """
    random = np.random.default_rng(seed)
    noise = np.zeros(2)
    for day in range(DAYS):
        noise = 0.3 * noise + random.normal(0.0, 1.05, 2)
        gap = random.random() < story.misses or day >= story.silent_from  # nosec B311  # chance, not a secret
        slipped = random.random() < story.slips  # nosec B311  # chance, not a secret
        if gap:
            continue
        treated = max(0, day - COURSE_STARTS)
        helped = story.treatment_helps * (1.0 - np.exp(-treated / 15.0))
        worse = _worse(story, day)
        craving = story.craving - helped + worse * story.craving_rises + noise[0]
        mood = story.mood + 0.6 * helped - worse * story.mood_falls + noise[1]
        yield SimulatedDay(day, _rating(craving), _rating(mood), "yes" if slipped else "no")


def _worse(story: Story, day: int) -> float:
    """How much of the worsening is there: 0 before, 1 in full."""
    if story.worsens_on is None or day < story.worsens_on:
        return 0.0
    return 1.0 if story.at_once else (day - story.worsens_on + 1) / (DAYS - story.worsens_on)


def _rating(value: float) -> int:
    return int(min(10, max(0, round(float(value)))))
