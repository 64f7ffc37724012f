"""How well one colour is read on another, as WCAG 2.2 counts it, in the light, in the dark and turned round."""

import re
from collections.abc import Callable, Iterator, Mapping
from colorsys import hls_to_rgb, rgb_to_hls
from html.parser import HTMLParser

AA = 4.5
VOID = {"br", "meta", "img", "input", "hr", "link"}
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
DARK = re.compile(r"@media[^{]*prefers-color-scheme: dark[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")


def ratio(ink: str, paper: str) -> float:
    """1 to 21."""
    low, high = sorted((_luminance(ink), _luminance(paper)))
    return (high + 0.05) / (low + 0.05)


def inverted(colour: str) -> str:
    """As a mail program that knows no dark mode of ours makes one: the lightness turned round, the hue kept."""
    hue, lightness, saturation = rgb_to_hls(*_channels(colour))
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in hls_to_rgb(hue, 1 - lightness, saturation))


def declared(style: str) -> dict[str, str]:
    pairs = (pair.partition(":") for pair in style.replace("!important", "").split(";") if ":" in pair)
    return {name.strip(): value.strip() for name, _, value in pairs}


def dark_rules(css: str) -> dict[str, dict[str, str]]:
    """What each class is in the dark."""
    found: dict[str, dict[str, str]] = {}
    for block in DARK.findall(css):
        for selectors, style in RULE.findall(block):
            for selector in selectors.split(","):
                found.setdefault(selector.strip().removeprefix("."), {}).update(declared(style))
    return found


class Painted(HTMLParser):
    """The words of a mail, each with its colour and the one behind it: from the styles on the elements alone, or with
    what `dark` has for their classes.
    """

    def __init__(self, html: str, dark: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._dark = dark or {}
        self._open: list[tuple[str, dict[str, str]]] = [("", {})]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        painted = {**self._open[-1][1], **declared(given.get("style") or "")}
        # In the order of the style sheet, not of the attribute.
        classes = (given.get("class") or "").split()
        for name in (name for name in self._dark if name in classes):
            painted |= self._dark[name]
        if tag not in VOID:
            self._open.append((tag, painted))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"head"} & {tag for tag, _ in self._open}:
            painted = self._open[-1][1]
            self.found.append((data.strip(), painted["color"], painted["background-color"]))


def illegible(html: str, turned: Callable[[str], str] = str, **dark: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for words, ink, paper in Painted(html, dark).found:
        found = ratio(turned(ink), turned(paper))
        if found < AA:
            yield words, found


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
