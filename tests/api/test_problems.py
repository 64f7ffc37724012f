"""Problem documents: each type opens as a page, and each error points to its part by JSON pointer."""

from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.api.kinds import KINDS
from tests.api.problem import assert_problem, pointers
from tests.factories import Actors, check_in_body, new_id, signed_in


@pytest.mark.parametrize("slug", KINDS)
def test_every_type_opens_in_a_browser(client: FlaskClient, slug: str) -> None:
    page = client.get(f"/problems/{slug}", headers={"Accept": "text/html"})
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    said = unescape(page.get_data(as_text=True))
    kind = KINDS[slug]
    for words in (kind.title, kind.meaning, kind.remedy, str(kind.status)):
        assert words in said


def test_they_are_listed_on_one_page(client: FlaskClient) -> None:
    page = client.get("/problems")
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    for slug in KINDS:
        assert f'href="/problems/{slug}"' in page.get_data(as_text=True)


def test_every_kind_is_described(client: FlaskClient) -> None:
    assert client.get("/openapi.json").get_json()["components"]["responses"].keys() == KINDS.keys()


def test_a_browser_gets_the_page_at_once(client: FlaskClient) -> None:
    answer = client.get("/v1/today", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.content_type) == (401, "text/html; charset=utf-8")
    assert answer.data == client.get("/problems/not-signed-in").data


def test_pointers_are_those_of_rfc_6901(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.ada)
    body = check_in_body(actors.ada.created_at, craving=11, triggers=["stress", "x"]) | {"a/b~c d\u00e9": 1}
    answer = client.put(f"/v1/check-ins/{new_id()}", json=body, headers=headers)
    assert_problem(answer, 422)
    assert sorted(pointers(answer)) == ["#/a~1b~0c%20d%C3%A9", "#/craving", "#/triggers/1"]
    answer = client.get("/v1/check-ins?limit=0", headers=headers)
    assert pointers(answer) == ["#/limit"]
