"""The row that a whole diary makes: what every row that came about otherwise is compared with."""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from server.trends import Record, Thresholds
from server.trends.caseload import ENDLESS, News, Said, catch_up, days, enter_course
from server.trends.standing import USED, Standings, nobody_yet


def stand(records: Sequence[Record], thresholds: Thresholds) -> Standings:
    """The row of each record after its last day that is over, from the whole diary."""
    rows = nobody_yet(len(records))
    for who, record in enumerate(records):
        enter_course(rows, who, record.course, record.today)
    return catch_up(rows, _whole(records), thresholds)[0]


def columns(said: Iterable[tuple[int, int, float | None, float | None, str | None]]) -> Said:
    """(whose, day, craving, mood, used) as columns."""
    listed = list(said)
    who, day, craving, mood, used = zip(*listed, strict=True) if listed else ((), (), (), (), ())
    return Said(
        np.array(who, np.int64),
        np.array(day, np.int64),
        np.array(craving, np.float64),  # None becomes NaN
        np.array(mood, np.float64),
        np.array([USED.get(answer or "", 0) for answer in used], np.int64),
    )


def _whole(records: Sequence[Record]) -> News:
    firsts = [
        min([*(reading.day for reading in record.readings[:1]), record.monitored_from or record.today, record.today])
        for record in records
    ]
    return News(
        after=np.array([first.toordinal() - 1 for first in firsts], np.int64),
        until=np.array([record.today.toordinal() for record in records], np.int64),
        monitored_from=np.array([_ordinal(record.monitored_from, 0) for record in records], np.int64),
        monitored_until=np.array([_ordinal(record.monitored_until, ENDLESS) for record in records], np.int64),
        said=columns(
            (who, reading.day.toordinal(), reading.craving, reading.mood, reading.used)
            for who, record in enumerate(records)
            for reading in record.readings
        ),
        paused=days((who, day) for who, record in enumerate(records) for day in record.paused),
        unknown=days((who, day) for who, record in enumerate(records) for day in record.outages | record.cut_short),
    )


def _ordinal(day: date | None, otherwise: int) -> int:
    return day.toordinal() if day else otherwise
