"""What the trend engine costs: one patient's whole diary, and a caseload's new day, beside a plain EWMA.

`make bench` prints the table. Times drift with the machine; the ratios of one run are what to quote.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median

import numpy as np

from server.trends import Reading, Record, Thresholds, advance, assess, start

PATIENTS = 20_000
DAYS = 84
ROUNDS = 5


def ratings() -> np.ndarray:
    """Shape (days, patients): ratings 0-10, a quarter of them missing (NaN)."""
    random = np.random.default_rng(1)
    said = np.clip(np.round(random.normal(4.0, 1.6, (DAYS, PATIENTS))), 0, 10)
    said[random.random((DAYS, PATIENTS)) < 0.25] = np.nan
    return said


def engine(said: np.ndarray) -> None:
    state = start((PATIENTS,))
    for day, ratings_of_day in enumerate(said, start=1):
        state, _ = advance(state, day, ratings_of_day, 0, 4.0)


def ewma(said: np.ndarray) -> None:
    mean = np.zeros(PATIENTS)
    for ratings_of_day in said:
        mean = np.where(np.isnan(ratings_of_day), mean, 0.8 * mean + 0.2 * ratings_of_day)


def one_patient(said: np.ndarray) -> None:
    first = date(2026, 1, 1)
    readings = [
        Reading(first + timedelta(days=day), craving=float(rating), mood=10 - float(rating))
        for day, rating in enumerate(said[:, 0])
        if not np.isnan(rating)
    ]
    assess(Record(tuple(readings), today=readings[-1].day), Thresholds())


def seconds(run: Callable[[np.ndarray], None], said: np.ndarray) -> float:
    """The median of a few rounds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run(said)
        taken.append(time.perf_counter() - began)
    return median(taken)


def main() -> None:
    said = ratings()
    floor = seconds(ewma, said)
    whole = seconds(engine, said)
    single = seconds(one_patient, said)
    print(f"{'what':<52}{'seconds':>10}{'ratio':>8}")
    print(f"{f'EWMA, {PATIENTS} patients x {DAYS} days (the floor)':<52}{floor:>10.3f}{1:>8.1f}")
    print(f"{f'trend engine, {PATIENTS} patients x {DAYS} days, one item':<52}{whole:>10.3f}{whole / floor:>8.1f}")
    print(f"{f'assess(), one patient, {DAYS} days, two items':<52}{single:>10.4f}{single / floor:>8.2f}")


if __name__ == "__main__":
    main()
