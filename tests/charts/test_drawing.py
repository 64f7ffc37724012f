"""The picture as text: the same bytes every time, words as words, and what is there is marked."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from server.charts import Alert, Chart, Day, Rated, Session, draw, draw_for_page

MAY_1 = date(2026, 5, 1)
HOSTILE = "</title><script>alert('x')</script> & \"'$\\frac{1}{0}$ \x0b\x1f\ud800\uffff \u202e"


def may(day: int) -> date:
    return MAY_1 + timedelta(days=day - 1)


def chart(days: int = 28) -> Chart:
    """Five ratings, a gap of five days, and then what is expected as well."""
    return Chart(
        "Ada",
        [
            Day(may(day), Rated(4.0, *((3.5, 1.2) if day > 5 else ())), Rated(6.5))
            if not 6 <= day <= 10
            else Day(may(day), Rated(None, 3.5, 1.2))
            for day in range(1, days + 1)
        ],
        [Session(may(1), "attended"), Session(may(4), "missed"), Session(may(4), "attended")],
        [Alert(may(20), "prompt", "craving")],
    )


def texts(svg: str) -> list[str]:
    return [said.text or "" for said in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def test_the_same_chart_is_the_same_bytes_from_any_thread() -> None:
    with ThreadPoolExecutor(4) as threads:
        drawn = set(threads.map(draw, [chart()] * 8))
    assert drawn == {draw(chart())}
    assert not re.search(r"dc:date|Matplotlib|<!DOCTYPE", drawn.pop())


def test_words_are_words_in_whatever_font_there_is() -> None:
    drawn = draw(chart())
    assert {"Craving (higher is worse)", "Mood (higher is better)", "TMS sessions", "7 May", "28 May"} <= set(
        texts(drawn)
    )
    assert set(re.findall(r"font-family: ([^;\"]*)", drawn)) == {"sans-serif"}


def test_it_says_what_it_shows() -> None:
    root = ET.fromstring(draw(chart()))  # noqa: S314
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root[:2]}
    assert (root.get("aria-labelledby") or "").split() == list(named)
    assert named == {
        "chart-title": "Ada",
        "chart-desc": "1 May to 28 May 2026: check-ins on 23 of 28 days. Craving was 4 on 28 May, expected 3.5 ± 1.2. "
        "Mood was 6.5 on 28 May. TMS sessions: 2 attended, 1 missed. Alerts: prompt about craving on 20 May.",
    }


@pytest.mark.parametrize("draws", [draw, draw_for_page])
def test_hostile_text_is_text(draws: object) -> None:
    drawn = (draw if draws is draw else draw_for_page)(replace(chart(), title=HOSTILE))
    root = ET.fromstring(drawn.encode())  # noqa: S314
    assert root[0].text == re.sub("[\x0b\x1f\ud800\uffff]", "\ufffd", HOSTILE)
    assert "<script" not in drawn


def test_nothing_is_loaded_from_elsewhere() -> None:
    drawn = draw_for_page(chart()).replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
    assert not re.search(r"https?:|<script|<image|@import|url\((?!#)|href=\"(?!#)", drawn)


def test_the_key_names_what_is_in_the_picture_and_nothing_else() -> None:
    key = {"reported", "expected, ± 1 SD", "session attended", "session missed", "prompt alert"}
    assert {said for said in texts(draw(chart())) if "session " in said or "alert" in said} == key - {
        "reported",
        "expected, ± 1 SD",
    }
    bare = replace(chart(), sessions=(), alerts=())
    assert not [said for said in texts(draw(bare)) if "session " in said or "alert" in said]


def test_a_gap_is_a_gap() -> None:
    (line,) = re.findall(
        r'<path d="([^"]*)"[^>]*style="fill: none; stroke: #1b2733; stroke-linecap: square"',
        draw(replace(chart(), days=[replace(day, mood=Rated()) for day in chart().days], sessions=(), alerts=())),
    )[:1]
    assert line.count("M") == 2


@pytest.mark.parametrize("days", [1, 2, 6, 11, 84, 366])
def test_the_last_day_is_always_named(days: int) -> None:
    last = may(days)
    name = f"{last.day} {['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul'][last.month - 1]}"
    assert name in texts(draw(chart(days)))


def test_no_day_is_no_chart() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        Chart("Ada", [])


def test_on_a_page_the_colours_follow_the_reader() -> None:
    drawn = draw_for_page(chart())
    assert "prefers-color-scheme: dark" in drawn
    style, _, rest = drawn.partition("</style>")
    assert not re.search(r"#[0-9a-f]{6}\b", rest)
    assert set(re.findall(r"var\((--c\d)\)", rest)) <= set(re.findall(r"(--c\d): #", style))
