"""Who gets what from which page: written down here, held by test_s01_pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.factories import PASSWORD, mfa_code

PAGE_ACTORS = ("bob", "dan", "carol", "alice", "frank", "dora")
# What the words of a cell mean: the status, and where the answer leads.
ALERT, SECOND_STEP = "/alerts/{alert}", "/second-step"
MEANS: Mapping[str, tuple[int, str | None]] = {
    "shown": (200, None),
    "done": (303, ALERT),
    "gone": (303, SECOND_STEP),
    "led": (303, SECOND_STEP),
    "404": (404, None),
    "409": (409, None),
}


@dataclass(frozen=True, slots=True)
class PageCell:
    """A word for each of PAGE_ACTORS, and the form that is sent."""

    words: str
    form: Callable[[datetime], dict[str, str]] = lambda _: {}

    def expected(self) -> dict[str, tuple[int, str | None]]:
        return dict(zip(PAGE_ACTORS, (MEANS[word] for word in self.words.split()), strict=True))


PAGES = {
    #                                                bob dan carol alice frank dora
    ("GET", "/alerts"): PageCell("shown shown shown led led led"),
    ("GET", "/alerts/<uuid:alert_id>"): PageCell("shown 404 404 led led led"),
    ("GET", "/alerts/<uuid:alert_id>/chart.svg"): PageCell("shown 404 404 led led led"),
    ("POST", "/alerts/<uuid:alert_id>/acknowledge"): PageCell("done 404 404 led led led"),
    ("POST", "/alerts/<uuid:alert_id>/resolve"): PageCell(
        "done 404 404 led led led", lambda _: {"outcome": "referred", "note": "spoke on the phone"}
    ),
    ("GET", "/worklist"): PageCell("led led led shown shown led"),
    ("GET", "/second-step"): PageCell("shown shown shown shown shown shown"),
    # Bob and Dan have begun, Alice and Frank are done.
    ("POST", "/second-step/begin"): PageCell("shown shown shown 409 409 shown", lambda _: {"password": PASSWORD}),
    ("POST", "/second-step/confirm"): PageCell("shown shown 409 409 409 409", lambda now: {"mfa_code": mfa_code(now)}),
    ("POST", "/second-step/remove"): PageCell(
        "409 409 409 gone gone 409", lambda now: {"password": PASSWORD, "mfa_code": mfa_code(now)}
    ),
}
# Nobody needs to be signed in for these.
PUBLIC_PAGES = {
    *(("GET", "/"), ("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out"), ("GET", "/reset")),
    *(("POST", "/reset"), ("GET", "/reset/<string(length=43):token>"), ("POST", "/reset/<string(length=43):token>")),
}
