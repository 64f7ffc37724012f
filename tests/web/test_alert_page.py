"""What a clinician needs of an alert between two sessions: what waits first, until when, who was told, who is next."""

import re
import uuid
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Alert, AlertEmail, EmailState, Role, Withheld
from server.services import consents, safety
from server.services.care_teams import replace_care_team
from server.services.raising import raise_findings
from server.trends import Severity
from server.web.deliveries import BECAME
from server.web.pages import age
from tests.attacks.test_s07_injection import HOSTILE, Seen
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import Actors, disclosure_fields, finding, identity_of, make_member
from tests.web.conftest import csrf_token


def shown(client: FlaskClient, url: str) -> str:
    """The page's words, with one space between two."""
    return " ".join(Seen(client.get(url).get_data(as_text=True)).text.split())


def test_what_waits_first_comes_first(bob: FlaskClient, actors: Actors, clock: Clock) -> None:
    made = []
    for rule, severity in (
        *(("gone_silent", Severity.ROUTINE), ("craving_rising", Severity.PROMPT), ("mood_falling", Severity.PROMPT)),
        *(("craving_severe", Severity.URGENT), ("mood_very_low", Severity.URGENT)),
    ):
        made.append(rule)
        raise_findings(actors.ada, [finding(clock().date(), severity, rule)], clock())
        clock.pass_by(minutes=1)
    safety.heed_refused(actors.ada.id, clock())
    db.session.commit()
    ids = {rule: str(alert_id) for alert_id, rule in rows("SELECT id, rule FROM alert")}
    form = {"csrf_token": csrf_token(bob, f"/alerts/{ids['mood_very_low']}"), "outcome": "referred"}
    for rule in ("mood_falling", "mood_very_low"):
        assert bob.post(f"/alerts/{ids[rule]}/acknowledge", data=form).status_code == 303
    assert bob.post(f"/alerts/{ids['mood_very_low']}/resolve", data=form).status_code == 303
    listed = bob.get("/alerts").get_data(as_text=True)
    assert re.findall(r'href="/alerts/([^"]+)"', listed) == [
        ids[rule]
        for rule in (
            *("safety_concern", "craving_severe", "craving_rising", "gone_silent"),
            *("mood_falling", "mood_very_low"),
        )
    ]
    words = shown(bob, "/alerts")
    assert re.findall(r"(Open|Acknowledged|Resolved) \((\d)\)", words) == [
        ("Open", "4"), ("Acknowledged", "1"), ("Resolved", "1")
    ]  # fmt: skip
    assert "Raised 2 minutes ago, 4 May 2026, 16:03" in words


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "just now"), (1, "1 minute ago"), (119, "119 minutes ago"), (120, "2 hours ago"), (2879, "47 hours ago"),
     (2880, "2 days ago"), (60 * 24 * 400, "400 days ago")],
)  # fmt: skip
def test_an_age_in_the_unit_that_counts(clock: Clock, minutes: int, said: str) -> None:
    assert age(clock() - timedelta(minutes=minutes, seconds=30), clock()) == said


def test_until_when_and_who_is_told_next(bob: FlaskClient, actors: Actors, clock: Clock, alert_id: uuid.UUID) -> None:
    escalate_at = clock() + timedelta(hours=4)
    change("UPDATE alert SET escalate_at = :at", at=escalate_at)
    unless = "Unless somebody acknowledges it before 4 May 2026, 20:00,"
    assert f"{unless} it goes out again." in shown(bob, f"/alerts/{alert_id}")
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    change("DELETE FROM alert_email WHERE member_id = :dan", dan=dan.id)
    db.session.commit()
    assert f"{unless} Dan is told." in shown(bob, f"/alerts/{alert_id}")
    assert "Acknowledge it before 4 May 2026, 20:00." in shown(bob, "/alerts")
    change("UPDATE alert SET escalate_at = :at", at=clock())
    assert "Nobody has acknowledged it in time: Dan is told now." in shown(bob, f"/alerts/{alert_id}")
    assert "Nobody has acknowledged it in time." in shown(bob, "/alerts")
    change("UPDATE alert SET escalate_at = NULL")
    for url in ("/alerts", f"/alerts/{alert_id}"):
        assert re.search("is told|goes out|in time|before", shown(bob, url)) is None


def test_each_event_says_who_was_told_and_what_became_of_it(
    bob: FlaskClient, actors: Actors, clock: Clock, alert_id: uuid.UUID
) -> None:
    (email,) = db.session.query(AlertEmail).all()
    for state, fields, said in (
        (EmailState.QUEUED, {}, "Bob: on its way"),
        (EmailState.QUEUED, {"attempts": 3, "last_error": "SMTP 451"}, "Bob: on its way; tried 3 times"),
        (EmailState.SENT, {"sent_at": clock()}, "Bob: mailed 4 May 2026, 16:00"),
        (EmailState.BOUNCED, {}, "Bob: mailed, and came back 4 May 2026, 16:00"),
        (EmailState.UNDELIVERABLE, {"sent_at": None}, "Bob: could not be delivered"),
        (EmailState.IN_DIGEST, {}, "Bob: in the morning's digest"),
        (EmailState.WITHHELD, {"withheld_why": Withheld.NOT_IN_CARE_TEAM}, "Bob: not mailed: not in care team"),
    ):
        for name, value in {"state": state, **fields}.items():
            setattr(email, name, value)
        db.session.commit()
        assert f"Craving was 9 on 2026-05-04. {said}" in shown(bob, f"/alerts/{alert_id}"), state
    assert BECAME.keys() == set(EmailState)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_of_somebody_outside_is_words(
    app: Flask, bob: FlaskClient, actors: Actors, clock: Clock, text: str
) -> None:
    consents.grant(identity_of(actors.ada), disclosure_fields(clock(), recipient_name=text), clock())
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    alert_id = one("SELECT id FROM alert")
    url = f"/alerts/{alert_id}"
    assert f"{' '.join(text.split())}: on its way" in shown(bob, url)
    hostile = Seen(bob.get(url).get_data(as_text=True)).elements
    change("DELETE FROM alert_email WHERE consent_id IS NOT NULL")
    plain = Seen(bob.get(url).get_data(as_text=True)).elements
    assert [found for found in hostile if found[0] not in {"li", "span"}] == [
        found for found in plain if found[0] not in {"li", "span"}
    ]


def test_a_safety_concern_asks_for_a_note(bob: FlaskClient, actors: Actors, clock: Clock) -> None:
    safety.heed_refused(actors.ada.id, clock())
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    for alert_id, rule in rows("SELECT id, rule FROM alert"):
        form = {"csrf_token": csrf_token(bob, f"/alerts/{alert_id}")}
        assert bob.post(f"/alerts/{alert_id}/acknowledge", data=form).status_code == 303
        page = bob.get(f"/alerts/{alert_id}").get_data(as_text=True)
        assert ("<textarea" in page, 'maxlength="2000" required' in page) == (True, rule == "safety_concern")


def test_what_was_typed_is_not_lost_when_it_is_not_taken(bob: FlaskClient, alert_id: uuid.UUID, clock: Clock) -> None:
    url = f"/alerts/{alert_id}"
    form = {"csrf_token": csrf_token(bob, url), "outcome": "", "note": "by <b>phone</b>, at length"}
    bob.post(f"{url}/acknowledge", data=form)
    refused = bob.post(f"{url}/resolve", data=form)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "Choose an outcome." in page
    assert ">by &lt;b&gt;phone&lt;/b&gt;, at length</textarea>" in page
    assert rows("SELECT action FROM audit_event ORDER BY seq DESC LIMIT 1") == [("alert_read",)]

    assert bob.post(f"{url}/resolve", data={**form, "outcome": "referred", "note": "first"}).status_code == 303
    late = bob.post(f"{url}/resolve", data={**form, "outcome": "plan_changed"})
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "This alert was resolved with another outcome." in page
    assert "Your note was not kept:" in page
    assert "by &lt;b&gt;phone&lt;/b&gt;, at length" in page
    assert db.session.get_one(Alert, alert_id).outcome_note == "first"
