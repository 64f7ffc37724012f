"""A whole replay: every counting check-in out of PostgreSQL, and the engine over all of them."""

from datetime import date

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.scan.columns import read, record
from server.trends import Thresholds
from server.trends.standing import Answers, Awaiting, Standings, nobody_yet, step

# Tenths of points, so that a row has one width; -1 where there was no rating.
READ = "SELECT patient_id, day, coalesce((craving * 10)::int2, (-1)::int2), coalesce((mood * 10)::int2, (-1)::int2)"
ROW = record(("patient_id", "V16"), ("day", ">i4"), ("craving", ">i2"), ("mood", ">i2"))
TOGETHER = 8_192  # patients in one step: what is remembered of them fits the processor's cache
BUCKETS = 22  # bits of an id that find its place at once
EPOCH = 730_120  # the ordinal of 1 January 2000


class Places:
    """Where each patient's id stands in a list, for millions of them at a time."""

    def __init__(self, ids: NDArray[np.void]) -> None:
        self._keys = _low(ids)
        self._table = np.zeros(1 << BUCKETS, np.int32)
        self._table[self._bucket(self._keys)] = np.arange(len(ids))
        self._order = np.argsort(self._keys)

    def __call__(self, ids: NDArray[np.void]) -> NDArray[np.int32]:
        keys = _low(ids)
        found = self._table[self._bucket(keys)]
        shared = np.flatnonzero(self._keys[found] != keys)  # another patient's id has the same bucket
        found[shared] = self._order[np.searchsorted(self._keys, keys[shared], sorter=self._order)]
        return found

    @staticmethod
    def _bucket(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (keys >> np.uint64(64 - BUCKETS)).astype(np.int64)


def _low(ids: NDArray[np.void]) -> NDArray[np.uint64]:
    """The random half of a UUID."""
    return np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)[:, 1]


def diaries(
    connection: psycopg.Connection, ids: NDArray[np.void], first: int, days: int, whose: str = "true"
) -> NDArray[np.int8]:
    """Ratings in tenths of shape (2, days, patients), -1 for none; `first`: the day that is row 0.

    `whose`: a condition on patient_id that these patients meet and nobody else.
    """
    places, past = Places(ids), date.fromordinal(first + days)
    said = np.full((2, days, len(ids)), -1, np.int8)
    for rows in read(connection, f"{READ} FROM check_in WHERE counts AND day < '{past}' AND {whose}", ROW):
        who, day = places(rows["patient_id"]), rows["day"] - (first - EPOCH)
        said[0, day, who], said[1, day, who] = rows["craving"], rows["mood"]
    return said


def replay(said: NDArray[np.int8], first: int) -> tuple[list[Standings], int]:
    """Where everybody stands in the end, TOGETHER at a time, and how many days needed a closer look."""
    looks, stood = 0, []
    for at in range(0, said.shape[2], TOGETHER):
        block = said[:, :, at : at + TOGETHER]
        patients = block.shape[2]
        rows, nothing = nobody_yet(patients), np.zeros(patients, np.int64)
        awaiting = Awaiting(*(np.full(patients, flag) for flag in (True, False, False)))
        for day in range(block.shape[1]):
            tenths = block[:, day]
            ratings = np.where(tenths < 0, np.nan, tenths / 10.0)
            answers = Answers((tenths[0] >= 0) | (tenths[1] >= 0), ratings[0], ratings[1], nothing)
            rows, look = step(rows, first + day, answers, awaiting, Thresholds())
            looks += int(look.sum())
        stood.append(rows)
    return stood, looks
