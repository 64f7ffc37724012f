"""Lists: cursors that survive what arrives meanwhile, and nothing made up."""

import base64
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.services.pages import Cursor, parse_cursor
from server.services.raising import raise_findings
from tests.api.problem import assert_problem, pointers
from tests.conftest import Clock
from tests.factories import Actors, check_in_body, finding, make_patient, new_id, signed_in

LISTS = ["/v1/check-ins", "/v1/patients", "/v1/alerts", "patient"]


def url_of(actors: Actors, url: str) -> str:
    return f"/v1/patients/{actors.ada.id}/check-ins" if url == "patient" else url


def headers_of(app: Flask, actors: Actors, url: str) -> dict[str, str]:
    return signed_in(app, actors.ada if url == "/v1/check-ins" else actors.bob)


def add(app: Flask, client: FlaskClient, actors: Actors, clock: Clock, url: str) -> None:
    """One more item, newer than all."""
    clock.pass_by(minutes=1)
    if url == "/v1/patients":
        make_patient(actors.bob, clock())
    elif url == "/v1/alerts":
        raise_findings(actors.ada, [finding(clock().date(), rule=f"rule {clock()}")], clock())
        db.session.commit()
    else:
        body = check_in_body(clock() - timedelta(days=1))
        client.put(f"/v1/check-ins/{new_id()}", json=body, headers=signed_in(app, actors.ada))


@pytest.mark.parametrize("url", LISTS)
def test_pages_neither_repeat_nor_hide_while_more_arrives(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, url: str
) -> None:
    for _ in range(7):
        add(app, client, actors, clock, url)
    everything = client.get(f"{url_of(actors, url)}?limit=200", headers=headers_of(app, actors, url)).get_json()
    wanted = [item["id"] for item in everything["items"]]
    assert everything["next_cursor"] is None
    assert len(wanted) >= 7
    found, cursor = [], ""
    while cursor is not None:
        query = f"?limit=3&cursor={cursor}" if cursor else "?limit=3"
        page = client.get(f"{url_of(actors, url)}{query}", headers=headers_of(app, actors, url)).get_json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        add(app, client, actors, clock, url)
    assert found == wanted


def followed(client: FlaskClient, url: str, headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Page by page as the header Link leads."""
    following: str | None = url
    while following:
        answer = client.get(following, headers=headers)
        yield answer.get_json()
        link = answer.headers.get("Link")
        assert (link is None) is (answer.get_json()["next_cursor"] is None)
        following = link and link.removeprefix("<").removesuffix('>; rel="next"')


@pytest.mark.parametrize("url", [*LISTS, "/v1/audit-events"])
def test_a_link_leads_to_the_next_page(app: Flask, client: FlaskClient, actors: Actors, clock: Clock, url: str) -> None:
    for _ in range(5):
        add(app, client, actors, clock, "/v1/check-ins" if url == "/v1/audit-events" else url)
    headers = signed_in(app, actors.alice_admin) if url == "/v1/audit-events" else headers_of(app, actors, url)
    # Reading the audit is in the audit.
    for _ in range(5):
        client.get(url_of(actors, url), headers=headers)
    pages = list(followed(client, f"{url_of(actors, url)}?limit=2", headers))
    assert len(pages) > 1
    of = "seq" if url == "/v1/audit-events" else "id"
    found = [item[of] for page in pages for item in page["items"]]
    assert len(found) == len(set(found)) >= 5


def test_the_link_asks_the_same_question(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    for _ in range(5):
        add(app, client, actors, clock, "/v1/alerts")
    answer = client.get(f"/v1/alerts?state=open&limit=1&patient={actors.ada.id}", headers=signed_in(app, actors.bob))
    assert f"state=open&limit=1&patient={actors.ada.id}&cursor=" in answer.headers["Link"]


def test_what_comes_late_between_two_pages_neither_repeats_nor_hides(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    """A phone that was offline brings check-ins of days before, among those that were shown and those to come."""
    headers = signed_in(app, actors.ada)

    def put(hours_back: float) -> str:
        check_in_id = new_id()
        body = check_in_body(clock() - timedelta(hours=hours_back))
        assert client.put(f"/v1/check-ins/{check_in_id}", json=body, headers=headers).status_code == 201
        return check_in_id

    wanted = [put(hours) for hours in range(1, 8)]
    late: list[str] = []
    found: list[str] = []
    for page in followed(client, "/v1/check-ins?limit=2", headers):
        found += [item["id"] for item in page["items"]]
        put(0.5)
        put(1.5)
        late.append(put(7.5 + len(late)))
    assert [one for one in found if one in wanted] == wanted
    assert len(found) == len(set(found))
    # What is older than the page comes with those to come.
    assert set(found) - set(wanted) <= set(late)
    assert late[0] in found


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


NOT_OURS = (
    "cursor=",
    "cursor=nonsense",
    "cursor=%00",
    "cursor=%ff%fe",
    "cursor=" + "A" * 201,
    "cursor=" + encoded("2026-05-04T20:00:00+00:00"),
    "cursor=" + encoded(f"2026-05-04T20:00:00 {uuid.UUID(int=1)}"),
    "cursor=" + encoded(f"yesterday {uuid.UUID(int=1)}"),
    "cursor=" + encoded("2026-05-04T20:00:00+00:00 1"),
    "cursor=" + base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
    "limit=0",
    "limit=-1",
    "limit=201",
    "limit=ten",
    "limit=1.5",
    "limit=" + "9" * 5_000,
    "limit=",
    "page=2",
    "state%00=open",
)


@pytest.mark.parametrize("url", LISTS)
def test_a_query_that_is_not_ours_is_refused(app: Flask, client: FlaskClient, actors: Actors, url: str) -> None:
    headers = headers_of(app, actors, url)
    for query in NOT_OURS:
        refused = client.get(f"{url_of(actors, url)}?{query}", headers=headers)
        assert_problem(refused, 422)
        assert pointers(refused), query


@pytest.mark.parametrize("url", LISTS)
def test_a_made_up_cursor_gives_a_page_and_no_more(app: Flask, client: FlaskClient, actors: Actors, url: str) -> None:
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00+00:00"):
        query = f"cursor={encoded(f'{at} {uuid.UUID(int=1)}')}"
        answer = client.get(f"{url_of(actors, url)}?{query}", headers=headers_of(app, actors, url))
        assert answer.status_code == 200, at


def test_a_cursor_is_read_back_as_it_was(clock: Clock) -> None:
    cursor = Cursor(clock() + timedelta(microseconds=1), uuid.uuid4())
    assert parse_cursor(str(cursor)) == cursor


@pytest.mark.parametrize("query", ["state=closed", "state=", "patient=ada", "patient=%00", "patient=1", "rule=x"])
def test_alerts_are_asked_for_by_what_they_have(app: Flask, client: FlaskClient, actors: Actors, query: str) -> None:
    assert_problem(client.get(f"/v1/alerts?{query}", headers=signed_in(app, actors.bob)), 422)


def test_alerts_by_state_and_patient(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    add(app, client, actors, clock, "/v1/alerts")
    headers = signed_in(app, actors.bob)
    for query, count in (
        ("state=open", 1),
        ("state=resolved", 0),
        (f"patient={actors.ada.id}", 1),
        (f"patient={new_id()}", 0),
    ):
        assert len(client.get(f"/v1/alerts?{query}", headers=headers).get_json()["items"]) == count, query
