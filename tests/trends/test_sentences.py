"""The sentences that clinicians read, word for word."""

from datetime import date, timedelta

import pytest

from server.trends import Figures, Reading
from server.trends.sentences import describe_change, name_day
from tests.trends.histories import judge

STEADY = [3, 4, 3, 2, 3, 4, 3, 2, 3, 4, 3, 2, 3, 4]


@pytest.mark.parametrize(
    ("day", "today", "words"),
    [
        (date(2025, 5, 3), date(2025, 5, 10), "3 May"),
        (date(2025, 1, 1), date(2025, 12, 31), "1 January"),
        (date(2025, 12, 30), date(2026, 1, 6), "30 December 2025"),
        (date(2024, 2, 29), date(2025, 3, 1), "29 February 2024"),
    ],
)
def test_days(day: date, today: date, words: str) -> None:
    assert name_day(day, today) == words


@pytest.mark.parametrize(
    ("label", "figures", "words"),
    [
        (
            "Craving",
            Figures(observed=5.83, check_ins=6, days=8, expected=3.61, expected_sd=1.18),
            "Craving averaged 5.8 over 6 check-ins since 3 May; expected 3.6 ± 1.2; 2 of 8 days missed.",
        ),
        (
            "Mood",
            Figures(observed=3.1, check_ins=8, days=8, expected=5.2, expected_sd=1.1),
            "Mood averaged 3.1 over 8 check-ins since 3 May; expected 5.2 ± 1.1; no day missed.",
        ),
        (
            "Craving",
            Figures(observed=9.0, check_ins=1, days=1, expected=3.0, expected_sd=0.5),
            "Craving averaged 9.0 over 1 check-in since 10 May; expected 3.0 ± 0.5; no day missed.",
        ),
        (
            "Mood",
            Figures(observed=3.66, check_ins=3, days=17, expected=7.0, expected_sd=0.96),
            "Mood averaged 3.7 over 3 check-ins since 24 April; expected 7.0 ± 1.0; 14 of 17 days missed.",
        ),
    ],
)
def test_changes(label: str, figures: Figures, words: str) -> None:
    assert describe_change(label, figures, date(2025, 5, 10)) == words


def test_a_change_that_began_last_year() -> None:
    figures = Figures(observed=6.0, check_ins=3, days=5, expected=3.0, expected_sd=1.0)
    words = "Mood averaged 6.0 over 3 check-ins since 30 December 2025; expected 3.0 ± 1.0; 2 of 5 days missed."
    assert describe_change("Mood", figures, date(2026, 1, 3)) == words


# first day, daily craving (None: missed; mood is 10 - craving), the sentences in order of day and rule
HISTORIES: list[tuple[date, list[float | None], list[str]]] = [
    (
        date(2025, 5, 1),
        [*STEADY, None, 7, None, None, 8],
        [
            "Craving averaged 6.3 over 3 check-ins since 14 May; expected 3.0 ± 1.0; 3 of 6 days missed.",
            "Mood averaged 3.7 over 3 check-ins since 14 May; expected 7.0 ± 1.0; 3 of 6 days missed.",
        ],
    ),
    (
        date(2025, 5, 18),
        [*STEADY, 7, 8],
        [
            "Craving averaged 6.3 over 3 check-ins since 31 May; expected 3.0 ± 1.0; no day missed.",
            "Mood averaged 3.7 over 3 check-ins since 31 May; expected 7.0 ± 1.0; no day missed.",
        ],
    ),
    (
        date(2025, 5, 3),
        [9, 10, 9.5],
        [
            "Craving was 9 on 3 May (limit 9).",
            "Mood was 1 on 3 May (at or below the limit 1).",
            "Craving was 9 on 3 May and 10 on 4 May (limit 9), the second day in a row.",
            "Mood was 1 on 3 May and 0 on 4 May (at or below the limit 1), the second day in a row.",
            "Craving was 10 on 4 May and 9.5 on 5 May (limit 9), 3 days in a row.",
            "Mood was 0 on 4 May and 0.5 on 5 May (at or below the limit 1), 3 days in a row.",
        ],
    ),
    (
        date(2025, 12, 31),
        [10, 10],
        [
            "Craving was 10 on 31 December (limit 9).",
            "Mood was 0 on 31 December (at or below the limit 1).",
            "Craving was 10 on 31 December 2025 and 10 on 1 January (limit 9), the second day in a row.",
            ("Mood was 0 on 31 December 2025 and 0 on 1 January (at or below the limit 1), the second day in a row."),
        ],
    ),
]


@pytest.mark.parametrize(("first_day", "craving", "sentences"), HISTORIES)
def test_whole_histories(first_day: date, craving: list[float | None], sentences: list[str]) -> None:
    readings = [
        Reading(first_day + timedelta(days=index), craving=rating, mood=10 - rating)
        for index, rating in enumerate(craving)
        if rating is not None
    ]
    assert [finding.sentence for finding in judge(readings)] == sentences
