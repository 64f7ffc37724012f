"""Mails to somebody outside: by a consent that is in force when they go, with the notice, each on the ledger."""

import uuid
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.errors import MailRefused
from server.extensions import db, now
from server.jobs.delivering import deliver
from server.services import consents, delivery, identities
from server.services.raising import raise_findings
from server.settings import Settings
from server.trends import Severity
from tests.audited import events
from tests.conftest import Clock
from tests.database import change, one, refusing, rows
from tests.factories import GRAY, GRAY_NAME, Actors, disclosure_fields, finding, make_patient, signed_in

OUTSIDE = "SELECT state, withheld_why FROM alert_email WHERE consent_id IS NOT NULL"
OUTSIDE_ID = "SELECT id FROM alert_email WHERE consent_id IS NOT NULL"
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


@pytest.fixture
def consent(actors: Actors, clock: Clock) -> uuid.UUID:
    """Ada lets Dr. Gray hear of alerts."""
    return grant(actors, clock)


def grant(actors: Actors, clock: Clock, **fields: Any) -> uuid.UUID:
    made = consents.grant(identities.of_patient(actors.ada), disclosure_fields(clock(), **fields), clock())
    db.session.commit()
    return made.id


def withdraw(actors: Actors, consent: uuid.UUID, clock: Clock) -> None:
    consents.withdraw(identities.of_patient(actors.ada), consent, clock())
    db.session.commit()


def tell(actors: Actors, clock: Clock, severity: Severity = Severity.PROMPT) -> None:
    raise_findings(actors.ada, [finding(clock().date(), severity)], clock())
    db.session.commit()


def send_waiting() -> None:
    for clinic_id, email_id in rows("SELECT clinic_id::text, id::text FROM alert_email WHERE state = 'queued'"):
        deliver(clinic_id, email_id)


def to_gray(outbox: list[EmailMessage]) -> list[EmailMessage]:
    return [mail for mail in outbox if mail["To"] == GRAY]


def test_it_goes_out_and_is_on_the_ledger(
    app: Flask, client: FlaskClient, actors: Actors, consent: uuid.UUID, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock)
    clock.pass_by(seconds=5)
    send_waiting()
    assert sorted(mail["To"] for mail in outbox) == ["bob@clinic.example", GRAY]
    own = client.get("/v1/disclosures", headers=signed_in(app, actors.ada)).get_json()
    (line,) = own["items"]
    assert line == {
        "id": line["id"],
        "at": clock().isoformat().replace("+00:00", "Z"),
        "consent_id": str(consent),
        "recipient_name": GRAY_NAME,
        "recipient_email": GRAY,
        "reference": one("SELECT reference FROM consent WHERE id = :id", id=consent),
        "purpose": "treatment",
        "what": "alerts",
        "severity": "prompt",
    }
    for member in (actors.bob, actors.alice_admin):
        url = f"/v1/patients/{actors.ada.id}/disclosures"
        assert client.get(url, headers=signed_in(app, member)).get_json() == own
    assert events()[0] == (
        "disclosed", "service", None, [actors.ada.id], {"disclosure": line["id"], "consent": str(consent)}
    )  # fmt: skip
    kept = one("SELECT disclosure::text FROM disclosure")
    assert GRAY not in kept
    assert GRAY.encode().hex() not in kept


def test_it_says_only_that_the_clinic_asks_to_be_called(
    actors: Actors, consent: uuid.UUID, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock, Severity.URGENT)
    send_waiting()
    (sent,) = to_gray(outbox)
    mail = message_from_bytes(sent.as_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "Please contact the clinic"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == f"<{one(OUTSIDE_ID)}@interlude.example>"
    reference = one("SELECT reference FROM consent WHERE id = :id", id=consent)
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        said = " ".join(body.get_content().split())
        for expected in (NOTICE, reference, "urgent", "4 May 2026, 16:00 EDT", "agreed in writing", "31 October 2026"):
            assert expected in said, (kind, expected)
        # Nobody outside has a sign-in, so there is nothing to open.
        assert "http" not in said


@pytest.mark.parametrize(
    ("what", "severity", "hears"),
    [
        ("alerts", Severity.ROUTINE, 1),
        ("alerts", Severity.URGENT, 1),
        ("urgent_alerts", Severity.PROMPT, 0),
        ("urgent_alerts", Severity.URGENT, 1),
    ],
)
def test_only_what_was_agreed_to_is_told(
    actors: Actors, clock: Clock, outbox: list[EmailMessage], what: str, severity: Severity, hears: int
) -> None:
    grant(actors, clock, what=what)
    tell(actors, clock, severity)
    send_waiting()
    assert len(to_gray(outbox)) == hears
    # The care team hears of what is routine in the morning.
    assert len(outbox) == hears + (severity is not Severity.ROUTINE)


def test_without_a_consent_in_force_nobody_outside_is_written_to(
    actors: Actors, consent: uuid.UUID, clock: Clock, outbox: list[EmailMessage]
) -> None:
    withdraw(actors, consent, clock)
    tell(actors, clock)
    assert rows(OUTSIDE) == []


def test_withdrawn_while_it_waits_it_does_not_go(
    actors: Actors, consent: uuid.UUID, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock)
    withdraw(actors, consent, clock)
    send_waiting()
    assert (rows(OUTSIDE), to_gray(outbox)) == ([("withheld", "consent_withdrawn")], [])
    assert [mail["To"] for mail in outbox] == ["bob@clinic.example"]
    assert rows("SELECT * FROM disclosure") == []


def test_withdrawn_between_two_attempts_it_does_not_go(
    actors: Actors, consent: uuid.UUID, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock)
    taken = delivery.claim(one(OUTSIDE_ID), now())
    assert taken is not None
    delivery.record_refusal(taken, MailRefused("SMTP 421", lasting=False), clock())
    db.session.commit()
    withdraw(actors, consent, clock)
    send_waiting()
    assert rows(OUTSIDE) == [("withheld", "consent_withdrawn")]


def test_withdrawn_with_participation_not_even_the_urgent_goes_outside(
    actors: Actors, consent: uuid.UUID, clock: Clock, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock, Severity.URGENT)
    withdraw(actors, one("SELECT id FROM consent WHERE kind = 'participation'"), clock)
    send_waiting()
    assert rows(OUTSIDE) == [("withheld", "consent_withdrawn")]
    assert [mail["To"] for mail in outbox] == ["bob@clinic.example"]


def test_on_its_last_day_it_goes_and_then_no_more(actors: Actors, clock: Clock, outbox: list[EmailMessage]) -> None:
    grant(actors, clock, expires_on=date(2026, 5, 4).isoformat())
    tell(actors, clock)
    # Two in the morning in New York: the day is the same until four.
    clock.pass_by(hours=10)
    send_waiting()
    assert len(to_gray(outbox)) == 1
    tell(actors, clock, Severity.URGENT)
    clock.pass_by(hours=2)
    send_waiting()
    assert sorted(rows(OUTSIDE), key=str) == [("sent", None), ("withheld", "consent_expired")]
    assert len(to_gray(outbox)) == 1


def test_sent_is_not_recorded_without_its_line(
    actors: Actors, consent: uuid.UUID, clock: Clock, settings: Settings, outbox: list[EmailMessage]
) -> None:
    tell(actors, clock)
    email_id = one(OUTSIDE_ID)
    with refusing(settings, "disclosure", "false"), pytest.raises(Exception, match="disclosure"):
        deliver(str(actors.clinic.id), str(email_id))
    db.session.rollback()
    assert rows(OUTSIDE) == [("queued", None)]
    assert [action for action, *_ in events()] == []


def test_a_sender_that_froze_writes_no_line(actors: Actors, consent: uuid.UUID, clock: Clock) -> None:
    tell(actors, clock)
    frozen = delivery.claim(one(OUTSIDE_ID), now())
    db.session.commit()
    assert frozen is not None
    change("UPDATE alert_email SET claimed_until = now() - interval '1 second'")
    other = delivery.claim(one(OUTSIDE_ID), now())
    db.session.commit()
    assert other is not None
    assert delivery.record_sent(other, clock())
    assert not delivery.record_sent(frozen, clock())
    db.session.commit()
    assert one("SELECT count(*) FROM disclosure") == 1


def test_who_was_told_and_who_was_not_is_seen_with_the_alert(
    app: Flask, client: FlaskClient, actors: Actors, consent: uuid.UUID, clock: Clock
) -> None:
    tell(actors, clock)
    withdraw(actors, consent, clock)
    send_waiting()
    url = f"/v1/alerts/{one('SELECT id FROM alert')}"  # noqa: S608
    emails = client.get(url, headers=signed_in(app, actors.bob)).get_json()["emails"]
    at = clock().isoformat().replace("+00:00", "Z")
    bobs = {"member_id": str(actors.bob.id), "consent_id": None, "state": "sent", "withheld_why": None}
    grays = {"member_id": None, "consent_id": str(consent), "state": "withheld", "withheld_why": "consent_withdrawn"}
    both = {"event": "raised", "to_clinic": False, "created_at": at}
    assert {email["state"]: email for email in emails} == {
        "sent": {**both, **bobs, "sent_at": at},
        "withheld": {**both, **grays, "sent_at": None},
    }


def test_whoever_calls_with_the_reference_is_understood(
    app: Flask, client: FlaskClient, actors: Actors, consent: uuid.UUID, clock: Clock
) -> None:
    make_patient(actors.bob, clock())
    reference = one("SELECT reference FROM consent WHERE id = :id", id=consent)
    for said in (reference, reference.replace("-", " ").lower()):
        asked = {"consent_reference": said}
        found = client.get("/v1/patients", query_string=asked, headers=signed_in(app, actors.bob)).get_json()["items"]
        assert [patient["id"] for patient in found] == [str(actors.ada.id)]
        elsewhere = client.get("/v1/patients", query_string=asked, headers=signed_in(app, actors.carol))
        assert elsewhere.get_json()["items"] == []


def test_a_clinic_hears_nothing_of_anothers_ledger(
    app: Flask, client: FlaskClient, actors: Actors, consent: uuid.UUID, clock: Clock
) -> None:
    tell(actors, clock)
    send_waiting()
    for what in ("consents", "disclosures"):
        url = f"/v1/patients/{actors.ada.id}/{what}"
        assert client.get(url, headers=signed_in(app, actors.carol)).status_code == 404
