"""What others would do with the same rows, in processes of their own as well: `python -m bench.scan.peers`."""

import time
import warnings

import numpy as np
import pandas as pd
import psycopg
from statsmodels.tsa.statespace.structural import UnobservedComponents

from bench.scan.load import FIRST
from bench.scan.replay import IN_POINTS, UNRATED, diaries
from bench.scan.stages import Out, run

SAMPLE = 20  # patients whose Kalman filter is estimated


def ewma(connection: psycopg.Connection, days: int) -> Out:
    """What one would write first: the rows as a frame, and pandas' own mean. Reading is not counted."""
    _, said = diaries(connection, FIRST, days)
    who, day = np.nonzero((said != UNRATED).any(axis=0).T)
    frame = pd.DataFrame(
        {"who": who, "craving": IN_POINTS[said[0].T[who, day]], "mood": IN_POINTS[said[1].T[who, day]]}
    )
    began = time.perf_counter()
    frame.groupby("who")[["craving", "mood"]].ewm(alpha=0.2).mean()
    return {"seconds": time.perf_counter() - began}


def kalman(connection: psycopg.Connection, days: int) -> Out:
    """A local level for each patient and item, estimated: a sample of them, and what all would take."""
    ids, said = diaries(connection, FIRST, days)
    ratings = IN_POINTS[said[:, :, :SAMPLE]]
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of these diaries are too short for its starting values
        for item in ratings:
            for patient in item.T:
                UnobservedComponents(patient, "local level").fit(disp=False)
    taken = time.perf_counter() - began
    return {"seconds": taken * len(ids) / SAMPLE, "sample": SAMPLE}


if __name__ == "__main__":
    run({stage.__name__: stage for stage in (ewma, kalman)})
