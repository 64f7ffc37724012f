"""The page that the mail links to: looking changes nothing, acting needs the form, and nobody else gets in."""

import re
import uuid
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Alert
from server.services import check_ins
from server.services.care_teams import replace_care_team
from tests.conftest import Clock
from tests.database import digest, digest_but_audit, one, rows
from tests.factories import Actors, check_in_body
from tests.web.conftest import csrf_token, enter

HOSTILE = "<script>alert('x')</script>\"' {{ 7*7 }} \u202e"


def post(client: FlaskClient, alert_id: uuid.UUID, what: str, **form: str) -> TestResponse:
    form.setdefault("csrf_token", csrf_token(client, f"/alerts/{alert_id}"))
    return client.post(f"/alerts/{alert_id}/{what}", data=form)


def test_it_shows_the_alert_and_changes_nothing(bob: FlaskClient, actors: Actors, alert_id: uuid.UUID) -> None:
    before = digest_but_audit()
    for url in ("/alerts", f"/alerts/{alert_id}"):
        for method in ("GET", "HEAD", "OPTIONS"):
            assert bob.open(url, method=method).status_code == 200
        page = bob.get(url).get_data(as_text=True)
        assert actors.ada.code in page
        assert "Craving was 9 on 2026-05-04." in page
    for what in ("acknowledge", "resolve"):
        assert bob.get(f"/alerts/{alert_id}/{what}").status_code == 405
    assert digest_but_audit() == before


def test_acknowledge_then_resolve(bob: FlaskClient, actors: Actors, alert_id: uuid.UUID) -> None:
    answer = post(bob, alert_id, "acknowledge")
    assert (answer.status_code, answer.location) == (303, f"/alerts/{alert_id}")
    assert one("SELECT acknowledged_by FROM alert") == actors.bob.id
    assert post(bob, alert_id, "acknowledge").status_code == 303
    answer = post(bob, alert_id, "resolve", outcome="contacted_patient", note=f"by phone\0 {HOSTILE}")
    assert answer.status_code == 303
    assert rows("SELECT state, outcome FROM alert") == [("resolved", "contacted_patient")]
    assert db.session.get_one(Alert, alert_id).outcome_note == f"by phone {HOSTILE}"
    page = bob.get(f"/alerts/{alert_id}").get_data(as_text=True)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert post(bob, alert_id, "resolve", outcome="referred").status_code == 409
    assert post(bob, alert_id, "acknowledge").status_code == 409


def test_one_that_the_record_no_longer_holds_says_so(
    bob: FlaskClient, actors: Actors, alert_id: uuid.UUID, clock: Clock
) -> None:
    clock.pass_by(days=2)
    at = clock() - timedelta(days=2)
    check_ins.put_check_in(actors.ada.id, uuid.uuid4(), check_in_body(at) | {"recorded_at": at}, clock())
    assess_all([actors.ada.id], clock())
    enter(bob, actors.bob, clock)
    assert "open, superseded" in bob.get("/alerts").get_data(as_text=True)
    page = bob.get(f"/alerts/{alert_id}").get_data(as_text=True)
    assert "The record no longer holds this.</strong> " in page
    assert page.count("Superseded <time") == 1
    assert post(bob, alert_id, "acknowledge").status_code == 303


@pytest.mark.parametrize("outcome", ["", "fine", "contacted_patient\0"])
def test_an_outcome_is_from_the_list(bob: FlaskClient, alert_id: uuid.UUID, outcome: str) -> None:
    before = digest_but_audit()
    assert post(bob, alert_id, "resolve", outcome=outcome).status_code == 422
    assert digest_but_audit() == before


@pytest.mark.parametrize("what", ["acknowledge", "resolve"])
def test_without_the_forms_own_token_nothing_happens(
    app: Flask, bob: FlaskClient, actors: Actors, clock: Clock, alert_id: uuid.UUID, what: str
) -> None:
    stranger = app.test_client()
    enter(stranger, actors.carol, clock)
    foreign = csrf_token(stranger, "/alerts")
    csrf_token(bob, f"/alerts/{alert_id}")
    before = digest()
    for form in ({}, {"csrf_token": ""}, {"csrf_token": "made up"}, {"csrf_token": foreign}):
        answer = bob.post(f"/alerts/{alert_id}/{what}", data={"outcome": "referred", **form})
        assert answer.status_code == 400, form
    assert digest() == before


def test_over_https_too_the_forms_work(bob: FlaskClient, alert_id: uuid.UUID) -> None:
    """A browser sends a referrer only as far as the page's policy lets it, and over https Flask-WTF wants one."""
    base = "https://interlude.example"
    with bob.session_transaction() as session:
        kept = dict(session)
    with bob.session_transaction(base_url=base) as session:
        session.update(kept)
    page = bob.get(f"/alerts/{alert_id}", base_url=base)
    token = page.get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
    assert page.headers["Referrer-Policy"] == "same-origin"
    referrer = {"Referer": f"{base}/alerts/{alert_id}"}
    answer = bob.post(f"/alerts/{alert_id}/acknowledge", data={"csrf_token": token}, base_url=base, headers=referrer)
    assert answer.status_code == 303, answer.get_data(as_text=True)


def test_carol_gets_what_a_missing_alert_gets(
    client: FlaskClient, actors: Actors, clock: Clock, alert_id: uuid.UUID
) -> None:
    enter(client, actors.carol, clock)
    token = csrf_token(client, "/alerts")
    before = digest_but_audit()
    for method, suffix in (("GET", ""), ("POST", "/acknowledge"), ("POST", "/resolve")):
        form = {"csrf_token": token, "outcome": "referred"} if method == "POST" else None
        foreign, missing = (
            client.open(f"/alerts/{found}{suffix}", method=method, data=form) for found in (alert_id, uuid.uuid4())
        )
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert without_tokens(foreign) == without_tokens(missing)
    assert str(alert_id) not in client.get("/alerts").get_data(as_text=True)
    assert digest_but_audit() == before


def without_tokens(answer: TestResponse) -> list[str]:
    return [line for line in answer.get_data(as_text=True).splitlines() if "csrf_token" not in line]


def test_a_clinician_who_left_the_team_sees_it_no_more(bob: FlaskClient, actors: Actors, alert_id: uuid.UUID) -> None:
    replace_care_team(actors.ada, [])
    db.session.commit()
    assert bob.get(f"/alerts/{alert_id}").status_code == 404


def test_hostile_names_are_words(bob: FlaskClient, actors: Actors, alert_id: uuid.UUID) -> None:
    actors.ada.reference = HOSTILE
    actors.bob.name = HOSTILE
    db.session.commit()
    post(bob, alert_id, "acknowledge")
    for url in ("/alerts", f"/alerts/{alert_id}"):
        page = bob.get(url).get_data(as_text=True)
        assert "<script" not in page
        assert "49" not in page.split("7*7")[0][-4:]


def test_the_page_loads_and_sends_nothing_elsewhere(bob: FlaskClient, alert_id: uuid.UUID) -> None:
    answer = bob.get(f"/alerts/{alert_id}")
    policy = answer.headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    page = answer.get_data(as_text=True)
    for loading in ("http://", "https://", "<script", "<link", "onclick"):
        assert loading not in page
    assert re.findall(r'src="([^"]*)"', page) == [f"/alerts/{alert_id}/chart.svg"]
    assert "img-src 'self'" in policy
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_chart_of_an_alert(bob: FlaskClient, actors: Actors, alert_id: uuid.UUID) -> None:
    before = digest_but_audit()
    chart = bob.get(f"/alerts/{alert_id}/chart.svg")
    assert (chart.status_code, chart.mimetype) == (200, "image/svg+xml")
    assert "default-src 'none'" in chart.headers["Content-Security-Policy"]
    drawn = chart.get_data(as_text=True)
    assert f'<title id="chart-title">Craving and mood of patient {actors.ada.code}</title>' in drawn
    assert "23 Mar to 4 May 2026: check-ins on 0 of 43 days. Alerts: prompt about craving on 4 May." in drawn
    assert digest_but_audit() == before


def test_the_chart_is_for_the_care_team_alone(
    client: FlaskClient, actors: Actors, clock: Clock, alert_id: uuid.UUID
) -> None:
    asked = client.get(f"/alerts/{alert_id}/chart.svg")
    assert (asked.status_code, asked.location) == (302, f"/sign-in?next=/alerts/{alert_id}/chart.svg")
    assert f'name="next" value="/alerts/{alert_id}"' in client.get(asked.location).get_data(as_text=True)
    enter(client, actors.carol, clock)
    foreign, missing = (client.get(f"/alerts/{found}/chart.svg") for found in (alert_id, uuid.uuid4()))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert without_tokens(foreign) == without_tokens(missing)


def test_an_odd_address_is_no_page(bob: FlaskClient) -> None:
    for path in ("/alerts/1", "/alerts/../alerts", "/alerts/%00", f"/alerts/{uuid.uuid4()}/close"):
        assert bob.get(path).status_code == 404
