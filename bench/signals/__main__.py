"""`python -m bench.signals`: measure, print the tables, write signals.json and signals.png."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.signals.diaries import Diary, read_folder
from bench.signals.figure import draw
from bench.signals.goals import goals
from bench.signals.plan import FULL, SHORT, Results, Sizes, measure_all
from bench.signals.report import report

BEGAN = time.monotonic()


def progress(doing: str) -> None:
    """One line, written over and over."""
    if sys.stderr.isatty():
        print(f"\r\033[K{time.monotonic() - BEGAN:4.0f} s  {doing}", end="", file=sys.stderr, flush=True)


def usable(folder: Path | None) -> list[Diary]:
    """The diaries of the folder, after saying what was left out and why."""
    diaries = []
    for found in read_folder(folder) if folder else ():
        if isinstance(found, Diary):
            diaries.append(found)
        else:
            print(found)
    return diaries


def write(results: Results, sizes: Sizes, out: Path) -> None:
    """Figures and picture, into a folder that is made if need be."""
    out.mkdir(parents=True, exist_ok=True)
    figures = {"goals": [asdict(goal) for goal in goals(results)], "sizes": asdict(sizes), **asdict(results)}
    (out / "signals.json").write_text(json.dumps(figures, indent=1) + "\n")
    draw(results, out / "signals.png")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.signals", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few patients: seconds, and wide intervals")
    parser.add_argument("--diaries", type=Path, metavar="FOLDER", help="CSV files: person, day, craving and/or mood")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), metavar="FOLDER", help="default: var/bench")
    chosen = parser.parse_args(arguments)
    if chosen.diaries and not chosen.diaries.is_dir():
        parser.error(f"no such folder: {chosen.diaries}")
    sizes = SHORT if chosen.short else FULL
    results = measure_all(sizes, usable(chosen.diaries), progress)
    progress("")
    print("\n".join([*([sizes.note, ""] if sizes.note else []), *report(results)]))
    write(results, sizes, chosen.out)
    print(f"Written: {chosen.out / 'signals.json'}, {chosen.out / 'signals.png'}; {time.monotonic() - BEGAN:.0f} s")


if __name__ == "__main__":
    main()
