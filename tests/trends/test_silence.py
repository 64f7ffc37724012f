"""gone_silent: longer than this person's own habit makes likely, and no sooner."""

from datetime import date, timedelta

import pytest

from server.trends import Reading, Record, Severity, Thresholds, assess
from server.trends.silence import unlikely_length

APRIL_1 = date(2025, 4, 1)
ROUTINE, PROMPT = Severity.ROUTINE, Severity.PROMPT
DAILY, WEEKDAYS, OFTEN, SELDOM = "x" * 30, "xxxxx  " * 4, "xxxx xxx x" * 3, "x   x    x x     x    x   x  x"

# name, a mark a day from 1 April, what fires: (day, severity)
# x: a check-in, o: an outage of ours, t: a day that travel took, p: a pause, O, T and P: a check-in all the same
DAYS: list[tuple[str, str, list[tuple[int, Severity]]]] = [
    ("every day", DAILY, []),
    ("two days are never a silence", DAILY + "  x", []),
    ("every day, then three days", DAILY + "   ", [(33, ROUTINE)]),
    ("and on", DAILY + "     ", [(33, ROUTINE)]),
    ("and twice as long", DAILY + " " * 20, [(33, ROUTINE), (36, PROMPT)]),
    ("back, and silent again: a gap is now known", DAILY + "   xxxx     ", [(33, ROUTINE), (42, ROUTINE)]),
    ("weekends off are a habit", WEEKDAYS * 2, []),
    ("a weekend off and then some", WEEKDAYS + "xxxxx" + " " * 8, [(40, ROUTINE)]),
    ("somebody who often skips a day", OFTEN + "   ", []),
    ("seldom here", SELDOM + " " * 8, []),
    ("seldom here, and two weeks gone", SELDOM + " " * 16, [(43, ROUTINE)]),
    ("new: a habit is not known yet", "xxx   ", []),
    ("new, and gone", "xxx" + " " * 10, [(10, ROUTINE)]),
    ("never here", " " * 20, [(9, ROUTINE), (18, PROMPT)]),
    ("our own outage is not silence", DAILY + "ooooo", []),
    ("it is left out of one", DAILY + " oo  ", [(35, ROUTINE)]),
    ("a check-in on its day is one all the same", DAILY + "  O  ", []),
    ("nor is a day that travel took", DAILY + " tt  ", [(35, ROUTINE)]),
    ("a check-in on what was left of it is one all the same", DAILY + "  T  ", []),
    ("a pause is not silence", DAILY + "p" * 40, []),
    ("a pause of a day ends a silence", DAILY + "  p  ", []),
    ("what is on both sides of a pause is not joined", DAILY + "  ppppppp  ", []),
    ("after it the days are counted anew, and the gap of before is known", DAILY + "  ppppppp      x", [(45, ROUTINE)]),
    ("and twice as long", DAILY + "ppppppp" + " " * 8, [(40, ROUTINE), (43, PROMPT)]),
    ("a pause takes back nothing of before", DAILY + "   pppp", [(33, ROUTINE)]),
    ("and stops what would have been louder", DAILY + "   pppp  ", [(33, ROUTINE)]),
    ("a check-in in a pause lifts nothing", DAILY + "ppPpp" + " " * 3, [(38, ROUTINE)]),
    ("a pause is of no habit", "xxx" + "p" * 27 + " " * 10, [(37, ROUTINE)]),
    ("paused from the first day", "ppp" + " " * 9, [(12, ROUTINE)]),
    ("an outage in a pause is the pause", DAILY + "  ppoo ", []),
    ("a pause, then an outage", DAILY + "ppoo   ", [(37, ROUTINE)]),
    ("nothing", "", []),
]


def marked_days(marks: str, mark: str) -> list[date]:
    return [APRIL_1 + timedelta(days=index) for index, found in enumerate(marks) if found in mark]


def record(marks: str, **said: object) -> Record:
    """All of these days are over, and monitored."""
    readings = tuple(Reading(day, mood=5) for day in marked_days(marks, "xOTP"))
    today = APRIL_1 + timedelta(days=len(marks) - 1)
    paused, outages, lost = (frozenset(marked_days(marks, mark)) for mark in ("pP", "oO", "tT"))
    known = {"today": today, "monitored_from": APRIL_1, "paused": paused, "outages": outages, "cut_short": lost}
    return Record(readings, **{**known, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize(("marks", "fires"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_gone_silent(marks: str, fires: list[tuple[int, Severity]]) -> None:
    found = assess(record(marks), Thresholds())
    expected = [("gone_silent", APRIL_1 + timedelta(days=day - 1), severity) for day, severity in fires]
    assert [(finding.rule, finding.day, finding.severity) for finding in found] == expected


@pytest.mark.parametrize(
    ("said", "fires"),
    [
        ({}, 2),
        ({"paused": frozenset([date(2025, 3, 31)])}, 2),
        ({"monitored_from": None}, 0),
        ({"monitored_from": date(2025, 5, 21)}, 0),
        ({"monitored_until": date(2025, 4, 30)}, 0),
        ({"monitored_until": date(2025, 5, 3)}, 1),
        ({"today": date(2025, 5, 2)}, 0),
        ({"today": date(2025, 5, 3)}, 1),
    ],
    ids=str,
)
def test_only_on_monitored_days_that_are_over(said: dict[str, object], fires: int) -> None:
    assert len(assess(record(DAILY + " " * 20, **said), Thresholds())) == fires


@pytest.mark.parametrize(
    ("marks", "sentences"),
    [
        (
            OFTEN + " " * 10,
            [
                "No check-in for 4 days, since 30 April; this patient checked in on 24 of 30 days before.",
                "No check-in for 8 days, since 30 April; this patient checked in on 24 of 30 days before.",
            ],
        ),
        (
            DAILY + " o   ",
            [
                (
                    "No check-in for 3 days (1 day of our own outage left out), since 30 April; "
                    "this patient checked in on 30 of 30 days before."
                )
            ],
        ),
        (
            DAILY + "  ppp o     ",
            [
                (
                    "No check-in for 6 days (1 day of our own outage left out), since the pause ended on 5 May; "
                    "this patient checked in on 28 of 30 days before."
                )
            ],
        ),
        (
            DAILY + " tot  ",
            [
                (
                    "No check-in for 3 days (1 day of our own outage and 2 days lost to travel left out), "
                    "since 30 April; this patient checked in on 30 of 30 days before."
                )
            ],
        ),
        (
            "pP" + " " * 9,
            ["No check-in for 9 days, since the pause ended on 2 April; no habit of this patient's is known yet."],
        ),
        (
            "pp" + " " * 9,
            ["No check-in for 9 days, since the pause ended on 2 April; this patient has not checked in yet."],
        ),
        (
            "o" + " " * 9,
            [
                (
                    "No check-in for 9 days (1 day of our own outage left out), since monitoring began on 1 April; "
                    "this patient has not checked in yet."
                )
            ],
        ),
        (
            "x" + " " * 9,
            ["No check-in for 9 days, since 1 April; this patient checked in on 1 of 1 day before."],
        ),
        (
            " " * 9,
            ["No check-in for 9 days, since monitoring began on 1 April; this patient has not checked in yet."],
        ),
    ],
)
def test_what_it_says(marks: str, sentences: list[str]) -> None:
    assert [finding.sentence for finding in assess(record(marks), Thresholds())] == sentences


def test_it_rests_on_the_silent_days() -> None:
    (finding,) = assess(record(DAILY + "   "), Thresholds())
    assert finding.basis == (date(2025, 5, 1), date(2025, 5, 2), date(2025, 5, 3))
    assert finding.figures is not None
    assert finding.figures.as_dict() == {"silent_days": 3, "limit_days": 3, "answered": 30, "awaited": 30}


@pytest.mark.parametrize(
    ("habit", "chance", "least", "length"),
    [
        # No day seen: 1/4.5 = 0.222, then times 3/6, 4/7, 5/8: 0.111, 0.063, 0.040.
        ("", 0.23, 1, 1),
        ("", 0.12, 1, 2),
        ("", 0.11, 1, 3),
        ("", 0.05, 1, 4),
        ("", 0.05, 10, 10),
        # Two days after a check-in, none missed: 1/6.5 = 0.154, 0.077, 0.044.
        ("xxx", 0.12, 1, 2),
        ("xxx", 0.07, 1, 3),
        # A gap of two days: 2/5.5 = 0.364, then times 4/8, 5/9, 6/10: 0.182, 0.101, 0.061.
        ("x  x", 0.20, 1, 2),
        ("x  x", 0.12, 1, 3),
        ("x  x", 0.07, 1, 4),
        (DAILY, 0.01, 3, 3),
        (SELDOM, 0.001, 3, 14),
        ("", 0.01, 20, 20),
    ],
)
def test_the_length_that_a_habit_makes_unlikely(habit: str, chance: float, least: int, length: int) -> None:
    days = [mark == "x" for mark in habit]
    assert unlikely_length(days, Thresholds(silent_chance=chance, silent_days=least)) == length
