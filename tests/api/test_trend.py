"""Ratings over time: what the care team sees, what the patient sees, and the picture."""

import uuid
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import SessionState
from server.services import check_ins, courses, identities, watch
from tests.api.problem import assert_problem, pointers
from tests.conftest import MONDAY, Clock
from tests.database import digest_but_audit, one
from tests.factories import Actors, check_in_body, course_body, new_id, signed_in

STEADY: list[float | None] = [3, 4, 3, 2, 3, 4, 3, 2, 3, 4, 3, 2, 3, None]  # 4-17 May
WORSE: list[float | None] = [7, 8]


@pytest.fixture
def worsened(actors: Actors, clock: Clock) -> Actors:
    """Ada, two weeks steady and then two days much worse; of three sessions one was missed, one cancelled."""
    by = identities.of_member(actors.bob)
    course = courses.create_course(by, actors.ada.id, course_body() | {"first_day": MONDAY.date()}, clock())
    attended, missed, cancelled = courses.course_sessions(by, course.id)
    courses.change_session(by, attended.id, {"state": SessionState.ATTENDED}, clock())
    courses.change_session(by, cancelled.id, {"state": SessionState.CANCELLED}, clock())
    for ahead, craving in enumerate([*STEADY, *WORSE]):
        clock.at = MONDAY + timedelta(days=ahead)
        if craving is not None:
            said = check_in_body(clock(), craving=craving, mood=7.5 if ahead == 0 else None)
            check_ins.put_check_in(actors.ada.id, uuid.uuid4(), said | {"recorded_at": clock()}, clock())
    watch.assess([actors.ada.id], clock())
    # Said after the look, so that the one alert is that of her ratings.
    courses.change_session(by, missed.id, {"state": SessionState.MISSED}, clock())
    db.session.commit()
    return actors


def url(actors: Actors, what: str = "trend") -> str:
    return f"/v1/patients/{actors.ada.id}/{what}"


def test_the_care_team_sees_the_ratings_what_was_expected_the_sessions_and_the_alerts(
    app: Flask, client: FlaskClient, worsened: Actors
) -> None:
    headers = signed_in(app, worsened.bob)
    before = digest_but_audit()
    shown = client.get(url(worsened), headers=headers).get_json()
    assert (shown["first_day"], shown["last_day"], len(shown["days"])) == ("2026-02-25", "2026-05-19", 84)
    by_day = {day["day"]: day for day in shown["days"]}
    nothing = {"craving": None, "mood": None, "craving_expected": None, "mood_expected": None}
    assert by_day["2026-05-03"] == nothing | {"day": "2026-05-03"}
    assert by_day["2026-05-04"] == nothing | {"day": "2026-05-04", "craving": 3.0, "mood": 7.5}
    assert by_day["2026-05-17"]["craving"] is None
    assert by_day["2026-05-17"]["craving_expected"] is not None
    began = by_day["2026-05-18"]
    assert (began["craving"], began["mood"], began["mood_expected"]) == (7.0, None, None)
    figures = one("SELECT figures FROM alert")
    assert began["craving_expected"] == {"mean": figures["expected"], "sd": figures["expected_sd"]}
    assert began["craving_expected"] == {"mean": pytest.approx(2.980, abs=0.001), "sd": pytest.approx(1.009, abs=0.001)}
    assert shown["sessions"] == [
        {"day": "2026-05-04", "number": 1, "of": 3, "state": "attended"},
        {"day": "2026-05-05", "number": 2, "of": 3, "state": "missed"},
        {"day": "2026-05-06", "number": 3, "of": 3, "state": "cancelled"},
    ]
    assert shown["alerts"] == [
        {
            "id": str(one("SELECT id FROM alert")),
            "rule": "craving_rising",
            "severity": "prompt",
            "day": "2026-05-19",
            "last_day": "2026-05-19",
            "state": "open",
        }
    ]
    assert digest_but_audit() == before


def test_a_patient_sees_the_same_without_a_verdict(app: Flask, client: FlaskClient, worsened: Actors) -> None:
    theirs = client.get(url(worsened), headers=signed_in(app, worsened.bob)).get_json()
    own = client.get("/v1/trend", headers=signed_in(app, worsened.ada))
    assert own.get_json() == {name: theirs[name] for name in ("first_day", "last_day", "days", "sessions")}
    for verdict in ("alert", "finding", "severity", "rule"):
        assert verdict not in own.get_data(as_text=True)


@pytest.mark.parametrize(("days", "first"), [("1", "2026-05-19"), ("2", "2026-05-18"), ("366", "2025-05-19")])
def test_the_window_is_what_is_asked_for(
    app: Flask, client: FlaskClient, worsened: Actors, days: str, first: str
) -> None:
    shown = client.get(url(worsened), query_string={"days": days}, headers=signed_in(app, worsened.bob)).get_json()
    assert (shown["first_day"], shown["last_day"], len(shown["days"])) == (first, "2026-05-19", int(days))
    whole = client.get(url(worsened), headers=signed_in(app, worsened.bob)).get_json()
    assert shown["days"][-84:] == whole["days"][-int(days) :]
    assert len(shown["alerts"]) == 1


def test_today_is_the_patients_own(app: Flask, client: FlaskClient, worsened: Actors, clock: Clock) -> None:
    clock.at = MONDAY.replace(day=20, hour=7, minute=59)  # 03:59 in New York: still the 19th there
    headers = signed_in(app, worsened.ada)
    assert client.get("/v1/trend", headers=headers).get_json()["last_day"] == "2026-05-19"
    clock.pass_by(minutes=1)
    assert client.get("/v1/trend", headers=headers).get_json()["last_day"] == "2026-05-20"


@pytest.mark.parametrize(
    "query", [{"days": "0"}, {"days": "367"}, {"days": "-1"}, {"days": ""}, {"days": "8.5"}, {"days": "9" * 5000}]
)
@pytest.mark.parametrize("what", ["trend", "chart.svg", "own"])
def test_a_window_out_of_bounds_is_refused(
    app: Flask, client: FlaskClient, actors: Actors, what: str, query: dict[str, str]
) -> None:
    asked = "/v1/trend" if what == "own" else url(actors, what)
    headers = signed_in(app, actors.ada if what == "own" else actors.bob)
    refused = client.get(asked, query_string=query, headers=headers)
    assert_problem(refused, 422)
    assert pointers(refused) == ["#/days"]
    assert_problem(client.get(asked, query_string={"since": "2026-05-01"}, headers=headers), 422)


@pytest.mark.parametrize("what", ["trend", "chart.svg"])
def test_nobody_else_sees_it(app: Flask, client: FlaskClient, worsened: Actors, what: str) -> None:
    assert_problem(client.get(url(worsened, what)), 401)
    assert_problem(client.get(url(worsened, what), headers=signed_in(app, worsened.alice_admin)), 403)
    assert_problem(client.get(url(worsened, what), headers=signed_in(app, worsened.ada)), 403)
    headers = signed_in(app, worsened.carol)
    foreign = client.get(url(worsened, what), headers=headers)
    missing = client.get(f"/v1/patients/{new_id()}/{what}", headers=headers)
    assert_problem(foreign, 404)
    assert (foreign.data, list(foreign.headers)) == (missing.data, list(missing.headers))


def test_the_picture_shows_and_says_it(app: Flask, client: FlaskClient, worsened: Actors) -> None:
    headers = signed_in(app, worsened.bob)
    before = digest_but_audit()
    answer = client.get(url(worsened, "chart.svg"), query_string={"days": 28}, headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    root = ET.fromstring(answer.data)  # noqa: S314  # our own
    title, description = (root.findtext(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "desc"))
    assert title == f"Craving and mood of patient {worsened.ada.code}"
    assert description == (
        "22 Apr to 19 May 2026: check-ins on 15 of 28 days. Craving was 8 on 19 May, expected 3.3 ± 1.2. "
        "Mood was 7.5 on 4 May. TMS sessions: 1 attended, 1 missed. Alerts: prompt about craving on 19 May."
    )
    assert digest_but_audit() == before


def test_a_patient_who_never_checked_in_is_a_picture_too(app: Flask, client: FlaskClient, actors: Actors) -> None:
    answer: Any = client.get(url(actors, "chart.svg"), headers=signed_in(app, actors.bob))
    assert answer.status_code == 200
    assert "check-ins on 0 of 84 days." in answer.get_data(as_text=True)
