"""The pages are legible, by their own style sheet: WCAG AA in the light and in the dark."""

import re
from pathlib import Path

import pytest

from tests.contrast import AA, ratio

LAYOUT = (Path(__file__).parents[2] / "server/web/templates/layout.html").read_text()
LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", root)) for root in re.findall(r":root \{(.*?)\}", LAYOUT, re.DOTALL)
)
# What words are written in, and what is behind them.
INKS = ("ink", "soft", "act", "urgent", "prompt", "routine")
PAPERS = ("paper", "back")


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_are_legible_on_whatever_is_behind_them(colours: dict[str, str]) -> None:
    pairs = [(ink, paper) for ink in INKS for paper in PAPERS]
    pairs += [("act-ink", "act"), ("ink", "mark"), ("soft", "mark")]
    assert [pair for pair in pairs if ratio(colours[pair[0]], colours[pair[1]]) < AA] == []


def test_each_colour_is_one_of_these_and_has_its_other_in_the_dark() -> None:
    assert LIGHT.keys() == DARK.keys() == {*INKS, *PAPERS, "act-ink", "mark", "line"}
    sheet = LAYOUT.partition("box-sizing")[2].partition("</style>")[0]
    assert re.findall(r"#[0-9a-f]{3,6}", sheet) == []
    assert set(re.findall(r"[^-]color: var\(--([a-z-]+)\)", sheet)) <= {*INKS, "act-ink"}
