"""session_missed: a missed TMS session, and two in a row."""

from datetime import date

import pytest

from server.trends import Course, Record, Session, SessionState, Severity, Thresholds, assess
from tests.trends.histories import marked

MAY_1 = date(2025, 5, 1)
ROUTINE, PROMPT = Severity.ROUTINE, Severity.PROMPT

# name, a session a day from 1 May (a attended, m missed, c cancelled, . scheduled), today, what fires
DAYS: list[tuple[str, str, int, list[tuple[int, Severity]]]] = [
    ("all attended", "aaaa", 31, []),
    ("one missed", "ama.", 31, [(2, ROUTINE)]),
    ("two, not in a row", "mam", 31, [(1, ROUTINE), (3, ROUTINE)]),
    ("two in a row", "amm", 31, [(2, ROUTINE), (3, PROMPT)]),
    ("three in a row", "mmm", 31, [(1, ROUTINE), (2, PROMPT), (3, PROMPT)]),
    ("a weekend between is a row all the same", "am  m", 31, [(2, ROUTINE), (5, PROMPT)]),
    ("a cancelled one is not in the row", "mcm", 31, [(1, ROUTINE), (3, PROMPT)]),
    ("one that nobody recorded ends it", "m.m", 31, [(1, ROUTINE), (3, ROUTINE)]),
    ("on the day that is open", "am", 1, [(2, ROUTINE)]),
    ("not before its day", "aam", 1, []),
    ("cancelled, all of it", "ccc", 31, []),
    ("no session", "", 31, []),
]


@pytest.mark.parametrize(("marks", "today", "fires"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_session_missed(marks: str, today: int, fires: list[tuple[int, Severity]]) -> None:
    found = assess(Record((), date(2025, 5, today), marked(marks, MAY_1)), Thresholds())
    expected = [("session_missed", day, severity) for day, severity in fires]
    assert [(finding.rule, finding.day.day, finding.severity) for finding in found] == expected


def test_without_a_course_nothing_is_missed() -> None:
    assert assess(Record((), MAY_1), Thresholds()) == ()


def test_what_it_says_and_rests_on() -> None:
    course = marked("aammm.c", date(2025, 5, 1))
    found = assess(Record((), date(2025, 5, 31), course), Thresholds())
    assert [finding.sentence for finding in found] == [
        "TMS session 3 of 7, on 3 May, was missed.",
        "TMS session 4 of 7, on 4 May, was missed, the second in a row.",
        "TMS session 5 of 7, on 5 May, was missed, 3 in a row.",
    ]
    assert [day.day for day in found[-1].basis] == [3, 4, 5]
    assert found[-1].figures is not None
    assert found[-1].figures.as_dict() == {"session": 5, "sessions": 7, "in_a_row": 3}


def test_several_of_one_day() -> None:
    sessions = tuple(Session(number, MAY_1, SessionState.MISSED) for number in (2, 1))
    found = assess(Record((), MAY_1, Course(sessions)), Thresholds())
    assert [(finding.severity, finding.sentence.split(",")[0]) for finding in found] == [
        (ROUTINE, "TMS session 1 of 2"),
        (PROMPT, "TMS session 2 of 2"),
    ]
    assert found[1].basis == (MAY_1,)
