"""S3: the answer to a refresh is lost and the phone asks again; and what a thief would make of that."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.problem import assert_problem
from tests.attacks.forging import Pair, me, refresh
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors, tokens_of


def alive(client: FlaskClient, pair: Pair) -> bool:
    """Whether a pair's access token opens anything. Looking at it counts as its use."""
    return me(client, pair["access_token"]).status_code == 200


def family() -> Any:
    ((ended_why,),) = rows("SELECT ended_why FROM sign_in")
    return ended_why


def test_s03_one_retry_works_and_voids_what_was_lost(client: FlaskClient, pair: Pair, clock: Clock) -> None:
    lost = refresh(client, pair["refresh_token"]).get_json()
    clock.pass_by(seconds=59)
    answer = refresh(client, pair["refresh_token"])
    assert answer.status_code == 201
    assert not alive(client, lost)
    assert alive(client, answer.get_json())
    assert family() is None
    # And so on, as if nothing had been lost.
    following = refresh(client, answer.get_json()["refresh_token"])
    assert alive(client, following.get_json())


def test_s03_what_was_lost_and_is_used_after_all_ends_the_family(client: FlaskClient, pair: Pair) -> None:
    lost = refresh(client, pair["refresh_token"]).get_json()
    fresh = refresh(client, pair["refresh_token"]).get_json()
    assert_problem(refresh(client, lost["refresh_token"]), 401)
    assert family() == "reused"
    assert not alive(client, fresh)


def test_s03_a_second_retry_ends_the_family(client: FlaskClient, pair: Pair) -> None:
    refresh(client, pair["refresh_token"])
    fresh = refresh(client, pair["refresh_token"]).get_json()
    assert_problem(refresh(client, pair["refresh_token"]), 401)
    assert family() == "reused"
    assert not alive(client, fresh)
    assert_problem(refresh(client, fresh["refresh_token"]), 401)


@pytest.mark.parametrize("seconds", [60, 61, 3_600])
def test_s03_a_retry_that_comes_late_ends_the_family(
    client: FlaskClient, pair: Pair, clock: Clock, seconds: int
) -> None:
    fresh = refresh(client, pair["refresh_token"]).get_json()
    clock.pass_by(seconds=seconds)
    assert_problem(refresh(client, pair["refresh_token"]), 401)
    assert family() == "reused"
    assert not alive(client, fresh)


def test_s03_a_retry_after_the_answer_was_used_ends_the_family(app: Flask, client: FlaskClient, actors: Actors) -> None:
    for use in (me, refresh):
        change("DELETE FROM sign_in")
        given = tokens_of(app, actors.ada)
        fresh = refresh(client, given["refresh_token"]).get_json()
        assert use(client, fresh["access_token" if use is me else "refresh_token"]).status_code in (200, 201)
        assert_problem(refresh(client, given["refresh_token"]), 401)
        assert family() == "reused"


def test_s03_any_route_is_use_enough_even_one_that_fails(client: FlaskClient, pair: Pair) -> None:
    """What the guard noted stays, though the request's own transaction is rolled back."""
    fresh = refresh(client, pair["refresh_token"]).get_json()
    seen = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert client.get("/v1/today", headers=seen).status_code == 403
    assert_problem(refresh(client, pair["refresh_token"]), 401)
    assert family() == "reused"


def test_s03_the_access_token_from_before_says_nothing_of_the_answer(client: FlaskClient, pair: Pair) -> None:
    """The phone goes on with what it has while it waits: that is no sign that the answer arrived."""
    refresh(client, pair["refresh_token"])
    assert alive(client, pair)
    fresh = refresh(client, pair["refresh_token"]).get_json()
    assert alive(client, pair)
    assert alive(client, fresh)


def test_s03_each_refresh_has_a_retry_of_its_own(client: FlaskClient, pair: Pair, clock: Clock) -> None:
    for _ in range(4):
        refresh(client, pair["refresh_token"])
        clock.pass_by(seconds=30)
        pair = refresh(client, pair["refresh_token"]).get_json()
        clock.pass_by(minutes=20)
    assert alive(client, pair)


Call = Callable[[FlaskClient], Any]


def at_once(app: Flask, *calls: Call) -> list[tuple[int, Any]]:
    def answered(call: Call) -> tuple[int, Any]:
        answer = call(app.test_client())
        return answer.status_code, answer.get_json(silent=True)

    return list(concurrently(app, *(partial(answered, call) for call in calls)))


def retry(pair: Pair) -> Call:
    return lambda client: refresh(client, pair["refresh_token"])


def chains(client: FlaskClient, answers: list[tuple[int, Any]]) -> int:
    """How many of the pairs that were given out still open anything."""
    return sum(alive(client, said) for status, said in answers if status == 201)


@pytest.mark.parametrize("again", range(5))
def test_s03_two_at_once_are_a_refresh_and_its_retry(app: Flask, client: FlaskClient, pair: Pair, again: int) -> None:
    """Two threads of one phone refresh at one moment: one chain lives."""
    answers = at_once(app, retry(pair), retry(pair))
    assert [status for status, _ in answers] == [201, 201]
    assert chains(client, answers) == 1
    assert family() is None


@pytest.mark.parametrize("again", range(5))
def test_s03_two_retries_at_once_end_the_family(app: Flask, client: FlaskClient, pair: Pair, again: int) -> None:
    """Which is second is chance; that one is, and that it ends the family, is not."""
    lost = refresh(client, pair["refresh_token"]).get_json()
    answers = at_once(app, retry(pair), retry(pair))
    assert sorted(status for status, _ in answers) == [201, 401]
    assert family() == "reused"
    assert chains(client, [*answers, (201, lost)]) == 0


@pytest.mark.parametrize("copies", [3, 8])
def test_s03_many_at_once_leave_nothing(app: Flask, client: FlaskClient, pair: Pair, copies: int) -> None:
    answers = at_once(app, *[retry(pair)] * copies)
    assert sorted(status for status, _ in answers) == [201, 201] + [401] * (copies - 2)
    assert family() == "reused"
    assert chains(client, answers) == 0


@pytest.mark.parametrize("again", range(5))
def test_s03_a_retry_and_the_answers_first_use_at_once(app: Flask, client: FlaskClient, pair: Pair, again: int) -> None:
    """Owner and thief: either the retry won, and what it replaced is void, or the use did, and the family ended."""
    fresh = refresh(client, pair["refresh_token"]).get_json()
    (used, _), (retried, given) = at_once(app, lambda client: me(client, fresh["access_token"]), retry(pair))
    assert (used, retried) in {(200, 401), (401, 201)}
    assert one("SELECT count(*) FROM sign_in WHERE ended_why = 'reused'") == (retried == 401)
    assert chains(client, [(201, fresh), (retried, given)]) == (retried == 201)


@pytest.mark.parametrize("again", range(3))
def test_s03_a_refresh_and_a_sign_out_at_once(app: Flask, client: FlaskClient, pair: Pair, again: int) -> None:
    """Whichever is first, the device is signed out."""
    held = {"Authorization": f"Bearer {pair['access_token']}"}
    answers = at_once(app, retry(pair), lambda client: client.delete("/v1/tokens", headers=held))
    assert answers[1][0] == 204
    assert family() == "signed_out_everywhere"
    assert chains(client, answers[:1]) == 0
