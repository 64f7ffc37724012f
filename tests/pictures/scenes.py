"""What is to be seen: the demo clinic on a Monday evening, with an alert in each state, and a mail of each kind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from server.extensions import db
from server.models import Alert, AlertEmail, EmailState, Member, Outcome, Patient, Role
from server.scope import clinic_of_member, enter
from server.services import alerts, clinics, escalation, identities, safety
from server.services.care_teams import replace_care_team
from server.services.keys import email_index
from tests.conftest import Clock
from tests.factories import PASSWORD
from tests.mail.test_compose import MAIL, part
from tests.mail.test_letters import HTML, LETTERS
from tests.web.conftest import enter as sign_in

BOB, DANA = "bob@demo.example", "dana@demo.example"
NOTE = "Spoke on the phone for twenty minutes. Safe tonight, has the crisis line's number, comes in tomorrow at 9:00."
AS_IN_LIFE = "0b9a2f6e-45c1-4f7e-9d50-2f6f1e6b7a11"
# As a phone shows a mail that has nothing but text.
TEXT = """<!doctype html>
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width">
<pre style="white-space: pre-wrap; overflow-wrap: anywhere; padding: 8px; font: 15px/1.4 monospace">{}</pre>
"""


def write_mails(folder: Path) -> dict[str, str]:
    """Each mail's HTML and text as a file: name to address."""
    found = {}
    for name, letter in LETTERS.items():
        for kind, document in (("html", HTML[name]), ("text", TEXT.format(escape(part(letter, "plain"))))):
            path = folder / f"{name}.{kind}.html"
            path.write_text(document.replace(str(MAIL.alert_id), AS_IN_LIFE))
            found[f"mail-{name}-{kind}"] = path.as_uri()
    return found


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    cookie: tuple[str, str]
    pages: dict[str, str]


@contextmanager
def served(app: Flask, clock: Clock) -> Iterator[Served]:
    """The pages as Bob's browser gets them, from a server of their own."""
    with app.app_context():
        bob, pages = _play(clock)
        browser = app.test_client()
        sign_in(browser, bob, clock)
        cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.port}"
        yield Served(url, (cookie.key, cookie.value), {name: url + path for name, path in pages.items()})
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _play(clock: Clock) -> tuple[Member, dict[str, str]]:
    clinic_id = clinic_of_member(email_index(BOB))
    assert clinic_id
    enter(clinic_id)
    bob = db.session.scalars(select(Member).where(Member.email_index == email_index(BOB))).one()
    by = identities.of_member(bob)
    patients = db.session.scalars(select(Patient).order_by(Patient.created_at)).all()
    quiet = [patient for patient in patients if not _alerts_of(patient)]
    dana = db.session.scalars(select(Member).where(Member.email_index == email_index(DANA))).one()
    eve = clinics.add_member(clinic_id, Role.CLINICIAN, "Eve Tan", "eve@demo.example", PASSWORD, clock())
    for patient in (patients[1], quiet[0]):
        replace_care_team(patient, [bob.id, dana.id, eve.id])
        safety.heed_refused(patient.id, clock())
    db.session.commit()
    _deliver(clock)
    urgent, closed = (_alert(patient, "safety_concern") for patient in (patients[1], quiet[0]))
    clock.pass_by(minutes=17)
    escalation.escalate(urgent.id, clock())
    alerts.acknowledge(by, closed.id, clock())
    clock.pass_by(minutes=4)
    alerts.resolve(by, closed.id, Outcome.CONTACTED, NOTE, clock())
    rising = db.session.scalars(select(Alert).where(Alert.rule == "craving_rising", Alert.state == "open")).first()
    assert rising
    alerts.acknowledge(by, rising.id, clock())
    db.session.commit()
    shown = {"open": urgent, "acknowledged": rising, "resolved": closed}
    return bob, {"alerts": "/alerts", **{f"alert-{name}": f"/alerts/{alert.id}" for name, alert in shown.items()}}


def _deliver(clock: Clock) -> None:
    """As if the mail server had taken all but one of the mails, for what it is."""
    emails = db.session.scalars(select(AlertEmail).order_by(AlertEmail.created_at)).all()
    for email in emails:
        email.state, email.sent_at = EmailState.SENT, email.created_at + timedelta(seconds=3)
    last = emails[-1]
    last.state, last.sent_at, last.last_error = EmailState.UNDELIVERABLE, None, "SMTP 550"
    db.session.commit()


def _alerts_of(patient: Patient) -> list[Alert]:
    return list(db.session.scalars(select(Alert).where(Alert.patient_id == patient.id)))


def _alert(patient: Patient, rule: str) -> Alert:
    (found,) = (alert for alert in _alerts_of(patient) if alert.rule == rule)
    return found
