"""Chromium without a window, spoken to over its DevTools pipe: a page at a width, light or dark, as a picture."""

import base64
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
# What is wider than the page, and what a finger does not hit: 24 px by WCAG 2.2, but for links within a text.
FAULTS = """
(() => {
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth
    ? [`scrolls sideways: ${document.documentElement.scrollWidth} px`] : [];
  const small = [...document.querySelectorAll("a, button, select, input:not([type=hidden]), summary")]
    .map(element => [element, element.getBoundingClientRect()])
    .filter(([element, box]) => box.height > 0 && box.height < 24 && getComputedStyle(element).display !== "inline")
    .map(([element, box]) => `a small target: ${element.textContent.trim()} (${Math.round(box.height)} px)`);
  return [...wide, ...small];
})()
"""


class ChromiumMissing(Exception):
    """There is no Chromium on this machine's PATH."""


def find_chromium() -> str:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        raise ChromiumMissing(
            f"make pictures needs Chromium on the PATH ({', '.join(NAMES)}); on Debian: apt-get install chromium"
        )
    return found


@contextmanager
def chromium() -> Iterator["Chromium"]:
    """One that knows nothing of any other: its profile is new, and gone afterwards."""
    program = find_chromium()
    with tempfile.TemporaryDirectory(prefix="interlude-pictures-") as profile:
        its_in, our_out = _pipe()
        our_in, its_out = _pipe()
        nowhere = os.open(os.devnull, os.O_RDWR)
        ends = ((nowhere, 0), (nowhere, 1), (nowhere, 2), (its_in, 3), (its_out, 4))
        child = os.posix_spawn(
            program,
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, ours, its) for ours, its in ends],
            setpgroup=0,
        )
        for descriptor in (its_in, its_out, nowhere):
            os.close(descriptor)
        try:
            with os.fdopen(our_out, "wb", buffering=0) as commands, os.fdopen(our_in, "rb") as answers:
                yield Chromium(commands, answers)
        finally:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)


class Chromium:
    """One tab."""

    def __init__(self, commands: Any, answers: Any) -> None:
        self._commands = commands
        self._answers = answers
        self._asked = 0
        self._happened: set[str] = set()
        self._session: str | None = None
        (tab,) = (one for one in self._ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=tab["targetId"], flatten=True)["sessionId"]
        self._ask("Page.enable")

    def give_cookie(self, url: str, name: str, value: str) -> None:
        self._ask("Network.setCookie", url=url, name=name, value=value)

    def picture(self, url: str, *, width: int, dark: bool, forced: bool = False) -> tuple[bytes, list[str]]:
        """The whole page as a PNG, and what is wrong with it at this width.

        `forced`: in the dark as a program makes it that asks nobody.
        """
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark and not forced else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[feature])
        self._ask("Emulation.setAutoDarkModeOverride", enabled=forced)
        self._resize(width, 800)
        self._happened.clear()
        self._ask("Page.navigate", url=url)
        while "Page.loadEventFired" not in self._happened:
            self._next()
        whole = self._ask("Page.getLayoutMetrics")["cssContentSize"]["height"]
        self._resize(width, int(whole))
        faults = self._ask("Runtime.evaluate", expression=FAULTS, returnByValue=True)["result"]["value"]
        taken = self._ask("Page.captureScreenshot", format="png")["data"]
        return base64.b64decode(taken), faults

    def _resize(self, width: int, height: int) -> None:
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if width < 600 else 1,
            mobile=width < 600,
        )

    def _ask(self, method: str, **params: Any) -> Any:
        self._asked += 1
        said = {"id": self._asked, "method": method, "params": params}
        if self._session:
            said["sessionId"] = self._session
        self._commands.write(json.dumps(said).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._asked:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _next(self) -> Any:
        said = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("Chromium ended before it answered.")
            said += byte
        message = json.loads(said)
        self._happened.add(message.get("method", ""))
        return message


def _pipe() -> tuple[int, int]:
    """Both ends above what Chromium takes for itself (3 and 4)."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
