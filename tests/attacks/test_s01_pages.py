"""S1: every page, tried by everybody who can hold a cookie, and by nobody."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.models import Member
from tests.attacks.calls import Route
from tests.attacks.page_cells import PAGES
from tests.attacks.things import Things, disable
from tests.conftest import Clock
from tests.database import digest
from tests.web.conftest import csrf_token, enter
from tests.web.test_pages import without_tokens


def as_member(app: Flask, things: Things, name: str, clock: Clock) -> FlaskClient:
    client, member = app.test_client(), things.people[name]
    assert isinstance(member, Member)
    enter(client, member, clock)
    return client


def call(
    client: FlaskClient, things: Things, route: Route, *, missing: bool = False, extra: dict[str, str] | None = None
) -> TestResponse:
    """With the form's own token, which the page before gave."""
    method, rule = route
    form = None
    if method == "POST":
        form = {**(extra or {}), **PAGES[route].form(things.now), "csrf_token": csrf_token(client, "/sign-in")}
    return client.open(things.url(rule, missing=missing), method=method, data=form)


@pytest.mark.parametrize("route", PAGES, ids=" ".join)
def test_s01_each_member_gets_what_is_written_down(app: Flask, things: Things, route: Route, clock: Clock) -> None:
    for name, (status, leads) in PAGES[route].expected().items():
        client = as_member(app, things, name, clock)
        missing = call(client, things, route, missing=True) if status == 404 else None
        answer = call(client, things, route)
        assert answer.status_code == status, (name, answer.get_data(as_text=True))
        assert answer.location == (leads and leads.format(alert=things.alert)), name
        if missing:
            assert without_tokens(missing) == without_tokens(answer), name


@pytest.mark.parametrize("is_disabled", [False, True])
def test_s01_nobody_and_the_disabled_are_asked_to_sign_in(
    app: Flask, things: Things, clock: Clock, is_disabled: bool
) -> None:
    for route, cell in PAGES.items():
        for name in cell.expected() if is_disabled else ["nobody"]:
            client = as_member(app, things, name, clock) if is_disabled else app.test_client()
            if is_disabled:
                disable(things.people[name])
            before = digest()
            answer = call(client, things, route)
            assert answer.status_code == 302, (route, name)
            assert str(answer.location).startswith("/sign-in?next=/"), (route, name)
            assert digest() == before
