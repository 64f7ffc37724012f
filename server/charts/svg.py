"""From a figure to an SVG document: the same picture always gives the same bytes, and any text is only text."""

import io
import re
from typing import Any
from xml.sax.saxutils import escape  # nosec B406  # writes XML, reads none

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from server.charts.palette import DARK, PAPER

# Words stay words (fonttype), and ids are made from the content (hashsalt).
LOOK: dict[Any, str] = {"svg.fonttype": "none", "svg.hashsalt": "interlude"}
# Matplotlib names the font that it measures with; readers have their own.
FAMILIES = re.compile(r"font-family: [^;\"]*")
# What XML 1.0 has no way to write, not even escaped.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def contents(figure: Figure) -> str:
    """What is inside the svg element, without the document and the metadata that Matplotlib puts around it.

    One at a time: Matplotlib's settings belong to the whole process.
    """
    FigureCanvasSVG(figure)
    written = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context(LOOK):
        figure.savefig(written, format="svg", facecolor=PAPER, metadata=nothing)
    text = written.getvalue()
    inside = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")].strip()
    return FAMILIES.sub("font-family: sans-serif", inside)


def document(inside: str, size: tuple[float, float], title: str, description: str) -> str:
    """The whole, with its text alternative. `title` and `description` may be any text."""
    wide, high = size
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<svg {NAMESPACES} width="{wide:g}" height="{high:g}" viewBox="0 0 {wide:g} {high:g}"'
        ' role="img" aria-labelledby="chart-title chart-desc">\n'
        f'<title id="chart-title">{_text(title)}</title>\n'
        f'<desc id="chart-desc">{_text(description)}</desc>\n'
        f"{inside}\n</svg>\n"
    )


def light_or_dark(inside: str) -> str:
    """In colours that follow the reader's preference. For browsers: other readers of SVG know no CSS variables."""
    light, dark = [], []
    for number, (colour, in_the_dark) in enumerate(DARK.items()):
        inside = inside.replace(colour, f"var(--c{number})")
        light.append(f"--c{number}: {colour}")
        dark.append(f"--c{number}: {in_the_dark}")
    night = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {'; '.join(dark)} }} }}"
    return f"<style>:root {{ {'; '.join(light)} }}\n{night}</style>\n{inside}"


def _text(said: str) -> str:
    return escape(NOT_XML.sub("\ufffd", said))
