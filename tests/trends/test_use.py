"""use_reported: use is news after enough days that were reported without."""

from datetime import date, timedelta

import pytest

from server.trends import Reading, Severity, Thresholds
from tests.trends.histories import judge

APRIL_27 = date(2025, 4, 27)
ANSWERS = {"n": "no", "y": "yes", "r": "rather_not_say", "-": None}

# name, an answer a day from 27 April (blank: no check-in), days needed, the days (1 is 27 April) on which it fires
DAYS: list[tuple[str, str, int, list[int]]] = [
    ("seven days without", "nnnnnnny", 7, [8]),
    ("six are not enough", "nnnnnny", 7, []),
    ("use from the start", "yyy", 7, []),
    ("every week", "nnnnnnnynnnnnnny", 7, [8, 16]),
    ("use again soon is no news", "nnnnnnnyyny", 7, [8]),
    ("unanswered days do not count", "nnn---nny", 7, []),
    ("nor do days it was rather not said", "nnnrrrnny", 7, []),
    ("nor days without a check-in", "nnn   nny", 7, []),
    ("but none of these ends the stretch", "nnn-r nnnny", 7, [11]),
    ("the last day unanswered", "nnnnnnn-", 7, []),
    ("a clinic's own number", "nny", 2, [3]),
    ("nobody was asked", "--------", 7, []),
    ("nothing at all", "", 7, []),
]


def said(answers: str) -> list[Reading]:
    return [
        Reading(APRIL_27 + timedelta(days=index), craving=3, used=ANSWERS[answer])
        for index, answer in enumerate(answers)
        if answer != " "
    ]


@pytest.mark.parametrize(("answers", "needed", "fires"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_use_reported(answers: str, needed: int, fires: list[int]) -> None:
    found = judge(said(answers), thresholds=Thresholds(use_free_days=needed))
    expected = [("use_reported", Severity.PROMPT, APRIL_27 + timedelta(days=day - 1)) for day in fires]
    assert [(finding.rule, finding.severity, finding.day) for finding in found] == expected


def test_what_it_says_and_rests_on() -> None:
    (finding,) = judge(said("nnnn-nn nnnny"))
    assert finding.sentence == "Use was reported on 9 May, after 10 days reported without since 27 April."
    assert finding.figures is not None
    assert finding.figures.as_dict() == {"free_days": 10, "days": 13}
    assert [day.day for day in finding.basis] == [30, 2, 3, 5, 6, 7, 8, 9]
