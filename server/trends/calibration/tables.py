"""Figures in plain text."""

from collections.abc import Iterator, Sequence

from server.trends.calibration.measures import WINDOW, Found, Rate

FOUND_HEAD = tuple(f"{episode}, {days} d" for episode, days in WINDOW.items())


def table(title: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """A title, its columns (the first to the left, figures to the right), and an empty line."""
    widths = [max(len(row[column]) for row in [head, *lines]) for column in range(len(head))]
    yield title
    for row in [head, *lines]:
        figures = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "  " + "  ".join([row[0].ljust(widths[0]), *figures]).rstrip()
    yield ""


def show_rate(rate: Rate) -> str:
    """The value and its 95% interval."""
    return f"{rate.value:.3f} ({rate.low:.3f}-{rate.high:.3f})"


def show_found(found: Found) -> str:
    """The share found in time, and the median day of those."""
    return f"{100 * found.share.value:.1f}% / {found.median:g}"
