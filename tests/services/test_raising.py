"""What is news: told once, in one email a look, and back on the desk when it got worse."""

import uuid

from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Role
from server.services import alerts, identities
from server.trends import Severity
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import Actors, make_member, signed_in
from tests.services.test_alerts import events, mails, resolve, tell

STATE = "SELECT state, acknowledged_by FROM alert"


def acknowledge(actors: Actors, clock: Clock) -> None:
    alerts.acknowledge(identities.of_member(actors.bob), one("SELECT id FROM alert"), clock())
    db.session.commit()


def test_a_rise_in_severity_waits_for_a_person_again(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    acknowledge(actors, clock)
    tell(actors, clock, (1, Severity.URGENT))
    assert rows(STATE) == [("open", None)]
    assert events() == ["raised", "acknowledged", "severity_raised"]
    acknowledge(actors, clock)
    assert rows(STATE) == [("acknowledged", actors.bob.id)]


def test_a_repeat_leaves_it_with_whoever_has_it(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    acknowledge(actors, clock)
    tell(actors, clock, (1, Severity.PROMPT))
    assert rows(STATE) == [("acknowledged", actors.bob.id)]


def test_another_yes_about_self_harm_waits_for_a_person_again(actors: Actors, clock: Clock) -> None:
    for day in (0, 0, 1):
        tell(actors, clock, (day, Severity.URGENT), rule="safety_concern")
        assert rows(STATE) == [("open", None)]
        acknowledge(actors, clock)
    assert mails() == 3
    resolve(actors, clock)
    tell(actors, clock, (1, Severity.URGENT), rule="safety_concern")
    assert one("SELECT count(*) FROM alert") == 2


def test_days_that_arrive_together_are_told_together(actors: Actors, clock: Clock) -> None:
    """A phone that was offline: one email about the worst, not one a day."""
    days = [(0, Severity.PROMPT), (1, Severity.URGENT), (2, Severity.URGENT), (5, Severity.PROMPT)]
    tell(actors, clock, *days)
    assert (one("SELECT severity FROM alert"), mails()) == ("urgent", 1)
    assert one("SELECT severity FROM alert_event JOIN alert_email ON event_id = alert_event.id") == "urgent"
    tell(actors, clock, *days)
    assert mails() == 1


def test_two_trends_within_each_others_reach_are_two(actors: Actors, clock: Clock) -> None:
    """Each finding is matched to one event: a late check-in moves both, and neither is told again."""
    tell(actors, clock, (10, Severity.PROMPT), (18, Severity.PROMPT), rule="craving_rising")
    assert events() == ["raised", "repeated"]
    tell(actors, clock, (9, Severity.PROMPT), (17, Severity.PROMPT), rule="craving_rising")
    assert events() == ["raised", "repeated"]
    tell(actors, clock, (9, Severity.PROMPT), (17, Severity.PROMPT), (25, Severity.PROMPT), rule="craving_rising")
    assert events() == ["raised", "repeated", "repeated"]


def hand_over(app: Flask, client: FlaskClient, actors: Actors, *team: uuid.UUID) -> int:
    said = {"care_team": [str(member_id) for member_id in team]}
    headers = signed_in(app, actors.alice_admin)
    return client.patch(f"/v1/patients/{actors.ada.id}", json=said, headers=headers).status_code


def test_a_new_colleague_hears_of_what_is_not_closed(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    tell(actors, clock, (0, Severity.PROMPT))
    resolve(actors, clock)
    tell(actors, clock, (1, Severity.PROMPT), (2, Severity.PROMPT))
    tell(actors, clock, (0, Severity.PROMPT), rule="mood_very_low")
    to_dan = "SELECT alert_id FROM alert_email WHERE member_id = :dan"
    assert hand_over(app, client, actors, dan.id) == 200
    told = rows(to_dan, dan=dan.id)
    assert sorted(told) == sorted(rows("SELECT id FROM alert WHERE state <> 'resolved'"))
    assert len(told) == 2
    for _ in range(2):
        assert hand_over(app, client, actors, actors.bob.id, dan.id) == 200
    assert rows(to_dan, dan=dan.id) == told


def test_nobody_is_left_without_somebody_who_hears(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    assert hand_over(app, client, actors) == 409
    assert rows("SELECT member_id FROM care_team") == [(actors.bob.id,)]
    assert hand_over(app, client, actors, actors.bob.id) == 200
