"""A whole replay: every counting check-in out of PostgreSQL, and the engine over all of them."""

from datetime import date, timedelta

import numpy as np
import psycopg
from numpy.typing import NDArray

from server.trends import Thresholds
from server.trends.standing import Answers, Awaiting, Standings, nobody_yet, step

# One row a patient: a check-in is the days since the first one and both ratings in tenths, UNRATED for none. A driver's
# cost is by row, whatever is in it, and this is 84 times fewer of them.
READ = """SELECT patient_id, string_agg(int4send(
    ((day - %(first)s) << 16)
    | (coalesce((craving * 10)::int, %(unrated)s) << 8)
    | coalesce((mood * 10)::int, %(unrated)s)
), '') FROM check_in WHERE counts AND day < %(past)s AND {whose} GROUP BY patient_id"""
UNRATED = 255
WORK_MEM = "128MB"  # the diaries of 50,000 patients are gathered in memory, not sorted on disk
TOGETHER = 8_192  # patients in one step: what is remembered of them fits the processor's cache
IN_POINTS = np.concatenate([np.arange(101) / 10.0, np.full(155, np.nan)])  # by tenths


def diaries(
    connection: psycopg.Connection, first: date, days: int, whose: str = "true"
) -> tuple[NDArray[np.void], NDArray[np.uint8]]:
    """Ids of shape (patients,), of those who said anything; their ratings in tenths, of shape (2, days, patients).

    `first`: the day that is row 0. `whose`: a condition on patient_id.
    """
    connection.execute(f"SET work_mem = '{WORK_MEM}'; SET max_parallel_workers_per_gather = 0")
    known = {"first": first, "past": first + timedelta(days=days), "unrated": UNRATED}
    with connection.cursor().copy(f"COPY ({READ.format(whose=whose)}) TO STDOUT (FORMAT binary)", known) as copy:
        copy.set_types(["bytea", "bytea"])
        rows = list(copy.rows())
    ids = np.frombuffer(b"".join([patient for patient, _ in rows]), "V16")
    check_ins = np.frombuffer(b"".join([said for _, said in rows]), ">u4").astype(np.uint32)
    who = np.repeat(np.arange(len(rows)), [len(said) // 4 for _, said in rows])
    said = np.full((2, days, len(rows)), UNRATED, np.uint8)
    day = check_ins >> 16
    said[0, day, who], said[1, day, who] = check_ins >> 8 & 255, check_ins & 255
    return ids, said


def replay(said: NDArray[np.uint8], first: int) -> tuple[list[Standings], int]:
    """Where everybody stands in the end, TOGETHER at a time, and how many days needed a closer look."""
    looks, stood = 0, []
    for at in range(0, said.shape[2], TOGETHER):
        block = said[:, :, at : at + TOGETHER]
        patients = block.shape[2]
        rows, nothing = nobody_yet(patients), np.zeros(patients, np.int64)
        awaiting = Awaiting(*(np.full(patients, flag) for flag in (True, False, False)))
        for day in range(block.shape[1]):
            ratings = IN_POINTS[block[:, day]]
            answers = Answers((block[:, day] != UNRATED).any(axis=0), ratings[0], ratings[1], nothing)
            rows, look = step(rows, first + day, answers, awaiting, Thresholds())
            looks += int(look.sum())
        stood.append(rows)
    return stood, looks
