"""Takes the pictures: at the width of a phone and of a desk, light and dark; the mails turned dark by force, too."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from PIL import Image

from server.app import create_app
from server.cli.demo import demo
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from tests.conftest import MONDAY, Clock, Runner
from tests.factories import settings_for
from tests.pictures.chromium import Chromium, ChromiumMissing, chromium, find_chromium
from tests.pictures.scenes import served, write_mails

PICTURES = Path("var/pictures")
WIDTHS = (360, 1200)
IN_DOCS = {"mail": "mail-alert-html", "alert": "alert-open"}
SCREEN = (720, 1280)


def main() -> int:
    try:
        find_chromium()
    except ChromiumMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    clock = Clock(MONDAY)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        demo_clinic(clock) as app,
        served(app, clock) as pages,
        tempfile.TemporaryDirectory() as folder,
        chromium() as tab,
    ):
        tab.give_cookie(pages.url, *pages.cookie)
        faults = [
            fault for name, url in (write_mails(Path(folder)) | pages.pages).items() for fault in take(tab, name, url)
        ]
    if "--docs" in sys.argv:
        renew_docs()
    for fault in faults:
        print(fault)
    print(f"The pictures are in {PICTURES}/.")
    return 1 if faults else 0


@contextmanager
def demo_clinic(clock: Clock) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "cluster", durable=False) as postgres:
        app = create_app(
            settings_for(postgres.url("interlude_app"), postgres.url("interlude_owner")), now=clock, send=lambda _: None
        )
        app.test_cli_runner_class = Runner
        with app.app_context():
            upgrade()
        made = app.test_cli_runner().invoke(demo)
        if made.exception:
            raise made.exception
        yield app
        with app.app_context():
            db.engine.dispose()


def take(tab: Chromium, name: str, url: str) -> Iterator[str]:
    """Says what is wrong with it."""
    looks = {"light": (False, False), "dark": (True, False)}
    if name.endswith("-html"):
        looks["forced"] = (True, True)
    for width in WIDTHS:
        for look, (dark, forced) in looks.items():
            picture, faults = tab.picture(url, width=width, dark=dark, forced=forced)
            path = PICTURES / f"{name}-{width}-{look}.png"
            path.write_bytes(picture)
            yield from (f"{path.name}: {fault}" for fault in faults)


def renew_docs() -> None:
    """What the README shows: the first screen of a phone, in few colours, for they are in the repository."""
    for name, shown in IN_DOCS.items():
        with Image.open(PICTURES / f"{shown}-360-light.png") as taken:
            screen = taken.convert("RGB").crop((0, 0, *SCREEN)).quantize(256, dither=Image.Dither.NONE)
            screen.save(Path("docs") / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
