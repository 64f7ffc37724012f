"""The life of an alert."""

import uuid
from datetime import date, timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import text

from server.errors import Conflict, NotFound
from server.extensions import db
from server.models import PATIENT_HELD, Outcome, Patient, Role
from server.services import alerts, identities
from server.services.care_teams import replace_care_team
from server.services.raising import raise_findings
from server.trends import Severity
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, one, owner, rows
from tests.factories import OUTCOME_NOTE, Actors, finding, make_member

DAY = date(2026, 5, 4)


def tell(actors: Actors, clock: Clock, *said: tuple[int, Severity], rule: str = "craving_severe") -> None:
    tell_of(actors.ada.id, clock, *said, rule=rule)


def tell_of(patient_id: uuid.UUID, clock: Clock, *said: tuple[int, Severity], rule: str = "craving_severe") -> None:
    """Raises findings, each (days after DAY, severity), as an assessment would: with the patient's row held."""
    patient = db.session.get_one(Patient, patient_id, with_for_update=PATIENT_HELD, populate_existing=True)
    findings = [finding(DAY + timedelta(days=after), severity, rule) for after, severity in said]
    raise_findings(patient, findings, clock())
    db.session.commit()


def mails() -> int:
    """Those that do not wait for a digest: each has its job."""
    emails = one("SELECT count(*) FROM alert_email WHERE state <> 'in_digest'")
    assert emails == one("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'deliver'")
    return int(emails)


def events() -> list[str]:
    return [kind for (kind,) in rows("SELECT kind FROM alert_event ORDER BY id")]


def resolve(actors: Actors, clock: Clock) -> None:
    alert = one("SELECT id FROM alert WHERE state <> 'resolved'")
    alerts.resolve(identities.of_member(actors.bob), alert, Outcome.CONTACTED, OUTCOME_NOTE, clock())
    db.session.commit()


def test_the_same_finding_again_changes_nothing(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    before = digest()
    for _ in range(3):
        tell(actors, clock, (0, Severity.PROMPT))
        tell(actors, clock, (0, Severity.ROUTINE))
    assert digest() == before
    assert (events(), mails()) == (["raised"], 1)


def test_a_repeat_is_evidence_and_mails_nobody(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    tell(actors, clock, (0, Severity.PROMPT), (1, Severity.PROMPT), (3, Severity.PROMPT))
    assert (events(), mails()) == (["raised", "repeated", "repeated"], 1)
    assert rows("SELECT day, last_day FROM alert") == [(DAY, DAY + timedelta(days=3))]


def test_a_higher_severity_is_news_and_mails_again(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.ROUTINE))
    tell(actors, clock, (1, Severity.PROMPT))
    tell(actors, clock, (2, Severity.URGENT), (3, Severity.PROMPT))
    assert events() == ["raised", "severity_raised", "severity_raised", "repeated"]
    assert (one("SELECT severity FROM alert"), mails()) == ("urgent", 2)
    assert rows("SELECT state FROM alert_email ORDER BY event_id") == [("in_digest",), ("queued",), ("queued",)]


def test_a_higher_severity_of_a_known_day_is_news_too(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    tell(actors, clock, (0, Severity.URGENT))
    tell(actors, clock, (0, Severity.URGENT))
    assert (events(), mails()) == (["raised", "severity_raised"], 2)


def test_each_rule_has_its_own_alert(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    tell(actors, clock, (0, Severity.PROMPT), rule="mood_very_low")
    assert (one("SELECT count(*) FROM alert"), mails()) == (2, 2)


def test_after_resolving_what_is_known_stays_known_and_a_new_day_is_new(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT), (1, Severity.PROMPT))
    resolve(actors, clock)
    tell(actors, clock, (0, Severity.PROMPT), (1, Severity.PROMPT))
    assert one("SELECT count(*) FROM alert") == 1
    tell(actors, clock, (0, Severity.PROMPT), (1, Severity.PROMPT), (2, Severity.PROMPT))
    assert rows("SELECT state, day FROM alert ORDER BY day") == [("resolved", DAY), ("open", DAY + timedelta(days=2))]
    assert mails() == 2


def test_a_late_check_in_may_move_a_trend_by_its_refractory_time(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (10, Severity.PROMPT), rule="craving_rising")
    for moved in (3, 8, 12, 17):
        tell(actors, clock, (moved, Severity.PROMPT), rule="craving_rising")
    assert events() == ["raised"]
    tell(actors, clock, (18, Severity.PROMPT), rule="craving_rising")
    assert events() == ["raised", "repeated"]


def test_no_mail_leaves_a_replay(actors: Actors, clock: Clock) -> None:
    actors.clinic.live = False
    db.session.commit()
    tell(actors, clock, (0, Severity.PROMPT))
    assert (events(), mails()) == (["raised"], 0)


def test_two_at_once_open_one_alert(app: Flask, actors: Actors, clock: Clock) -> None:
    ada = actors.ada.id
    for after in range(4):
        said = after, Severity.PROMPT
        concurrently(
            app,
            *[partial(tell_of, ada, clock, said)] * 2,
            *[partial(tell_of, ada, clock, said, rule="mood_very_low")] * 2,
        )
    assert rows("SELECT rule, count(*) FROM alert GROUP BY rule ORDER BY rule") == [
        ("craving_severe", 1),
        ("mood_very_low", 1),
    ]
    assert sorted(events()) == ["raised"] * 2 + ["repeated"] * 6
    assert mails() == 2


def test_two_clinicians_acknowledge_at_once_and_one_of_them_did(app: Flask, actors: Actors, clock: Clock) -> None:
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    tell(actors, clock, (0, Severity.PROMPT))
    alert = one("SELECT id FROM alert")
    callers = [identities.of_member(member) for member in (actors.bob, dan)]

    def acknowledge(caller: identities.Identity) -> uuid.UUID | None:
        found = alerts.acknowledge(caller, alert, clock())
        db.session.commit()
        return found.acknowledged_by

    first, second = concurrently(app, *(partial(acknowledge, by) for by in callers))
    assert first == second
    assert events() == ["raised", "acknowledged"]


def test_two_resolve_at_once_and_one_outcome_stands(app: Flask, actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    alert, bob = one("SELECT id FROM alert"), identities.of_member(actors.bob)

    def close(outcome: Outcome) -> str:
        try:
            alerts.resolve(bob, alert, outcome, None, clock())
        except Conflict:
            db.session.rollback()
            return "conflict"
        db.session.commit()
        return outcome.value

    said = concurrently(app, lambda: close(Outcome.REFERRED), lambda: close(Outcome.FALSE_ALARM))
    assert min(said) == "conflict"
    assert one("SELECT outcome FROM alert") in said
    assert events() == ["raised", "acknowledged", "resolved"]


def test_who_closes_an_open_alert_waits_for_nobody_who_holds_its_patient(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    with owner().begin() as erasing:
        erasing.execute(text("SELECT 1 FROM patient WHERE id = :id FOR UPDATE"), {"id": actors.ada.id})
        db.session.execute(text("SET LOCAL lock_timeout = '1s'"))
        resolve(actors, clock)
    assert events() == ["raised", "acknowledged", "resolved"]


def test_a_finding_and_a_resolution_at_once_lose_nothing(app: Flask, actors: Actors, clock: Clock) -> None:
    ada, bob = actors.ada.id, identities.of_member(actors.bob)
    for after in range(5):
        tell(actors, clock, (2 * after, Severity.PROMPT))
        db.session.commit()
        alert = one("SELECT id FROM alert WHERE state <> 'resolved'")

        tell_more = partial(tell_of, ada, clock, (2 * after + 1, Severity.PROMPT))
        concurrently(app, partial(close, bob, alert, clock), tell_more)
        told = rows("SELECT day FROM alert_event WHERE day IS NOT NULL ORDER BY day")
        assert told == [(DAY + timedelta(days=day),) for day in range(2 * after + 2)]
        resolve_all(actors, clock)


def close(by: identities.Identity, alert: uuid.UUID, clock: Clock) -> None:
    alerts.resolve(by, alert, Outcome.CONTACTED, None, clock())
    db.session.commit()


def resolve_all(actors: Actors, clock: Clock) -> None:
    for (alert,) in rows("SELECT id FROM alert WHERE state <> 'resolved'"):
        alerts.resolve(identities.of_member(actors.bob), alert, Outcome.CONTACTED, None, clock())
    db.session.commit()


def test_carol_finds_nothing(actors: Actors, clock: Clock) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    alert, carol = one("SELECT id FROM alert"), identities.of_member(actors.carol)
    with pytest.raises(NotFound):
        alerts.get_alert(carol, alert)
    with pytest.raises(NotFound):
        alerts.acknowledge(carol, alert, clock())
    with pytest.raises(NotFound):
        alerts.resolve(carol, alert, Outcome.REFERRED, None, clock())
    assert alerts.list_alerts(carol) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE alert SET state = 'resolved'",
        "UPDATE alert SET acknowledged_at = now()",
        "UPDATE alert SET severity = 'high'",
        "UPDATE alert SET last_day = day - 1",
        "UPDATE alert_email SET state = 'sent'",
        """INSERT INTO alert
           SELECT gen_random_uuid(), clinic_id, patient_id, rule, rule_version, severity, state, day, last_day,
                  sentence, basis, figures, thresholds, raised_at
           FROM alert""",
    ],
)
def test_the_database_holds_what_the_code_must_not_break(actors: Actors, clock: Clock, wrong: str) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    with pytest.raises(Exception, match=r"ck_alert|uq_alert_open"):
        change(wrong)
