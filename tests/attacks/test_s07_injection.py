"""S7: what is code elsewhere is text here, from the API to the mail and the page."""

import re
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.jobs.delivering import deliver
from server.models import Alert
from tests.attacks.test_s08_parser import BODIES, welcome
from tests.attacks.things import Things
from tests.conftest import Clock
from tests.database import one
from tests.factories import Actors, check_in_body, course_body, new_id, signed_in
from tests.web.conftest import csrf_token, enter

HOSTILE = (
    "'; DROP TABLE check_in; --",
    "' OR '1'='1",
    "\\'); SELECT pg_sleep(9); --",
    "%s %(x)s :x $1 {0} {x.__class__}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></td><svg/onload=alert(1)>",
    "{{ 7*191 }}{% for x in ().__class__.__mro__ %}x{% endfor %}",
    "${7*191} #{7*191} <%= 7*191 %>",
    "x\r\nBcc: eve@evil.example\r\n\r\nbody",
    "x\nSet-Cookie: session=evil",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1-1\t=1",
    "\u202egnp.exe \u2028 \ufeff",
)  # fmt: skip


TURNS = 4


class Seen(HTMLParser):
    """A page as a browser takes it: its elements with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.feed(re.sub(r'name="csrf_token" value="[^"]+"', "", page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_it_is_kept_and_shown_as_the_text_that_it_is(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, outbox: list[EmailMessage], text: str
) -> None:
    ada, bob = signed_in(app, actors.ada), signed_in(app, actors.bob)
    patient = f"/v1/patients/{actors.ada.id}"
    said = check_in_body(clock(), note=text, self_harm_thoughts="yes")
    for method, url, body, headers in (
        ("PATCH", patient, {"reference": text}, bob),
        ("POST", f"{patient}/courses", course_body(protocol=text), bob),
        ("PUT", f"/v1/check-ins/{new_id()}", said, ada),
    ):
        assert client.open(url, method=method, json=body, headers=headers).status_code in {200, 201}, url
    (entry,) = client.get(f"{patient}/check-ins", headers=bob).get_json()["items"]
    assert entry["note"] == text

    deliver(str(actors.clinic.id), str(one("SELECT id FROM alert_email")))
    (mail,) = outbox
    assert {name for name, value in mail.items() if text[:9] in value or "evil" in value} == set()
    assert "Bcc" not in mail
    assert text[:12] not in mail.as_string()

    actors.bob.name = text
    db.session.commit()
    enter(client, actors.bob, clock)
    alert = one("SELECT id FROM alert")
    form = {"csrf_token": csrf_token(client, f"/alerts/{alert}"), "outcome": "referred", "note": text}
    for what in ("acknowledge", "resolve"):
        assert client.post(f"/alerts/{alert}/{what}", data=form).status_code == 303
    urls = ("/alerts", f"/alerts/{alert}", f"/alerts/{alert}/chart.svg")
    hostile = [client.get(url) for url in urls]
    assert " ".join(text.split()) in " ".join(Seen(hostile[1].get_data(as_text=True)).text.split())
    assert all("evil" not in str(answer.headers) for answer in hostile)

    actors.bob.name = actors.ada.reference = "plain"
    db.session.get_one(Alert, alert).outcome_note = "plain"
    db.session.commit()
    for url, answer in zip(urls, hostile, strict=True):
        plain = Seen(client.get(url).get_data(as_text=True))
        assert Seen(answer.get_data(as_text=True)).elements == plain.elements, url


@pytest.mark.parametrize("turn", range(TURNS))
def test_in_every_field_of_every_route_it_breaks_nothing(
    app: Flask, client: FlaskClient, things: Things, turn: int, long: bool
) -> None:
    """Every field meets some of them and each of them many fields; in the long form every field meets all."""
    number = turn
    for route, body in BODIES.items():
        good, headers = body(things.now), welcome(app, things, route)
        for name in (name for name, value in good.items() if isinstance(value, str) and name != "password"):
            number += 1
            for text in HOSTILE[turn::TURNS] if long else [HOSTILE[number % len(HOSTILE)]]:
                answer = client.open(things.url(route[1]), method=route[0], json={**good, name: text}, headers=headers)
                assert answer.status_code < 500, (route, name)
                assert "evil" not in str(answer.headers), (route, name)
                if answer.status_code < 400:  # what it did may have ended the sign-in
                    headers = welcome(app, things, route)
