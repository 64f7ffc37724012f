"""The job that delivers, against a mail server that fails: what is recorded, and that the repeat is the same mail."""

import ssl
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server.extensions import Parts, db
from server.jobs import delivering
from server.mail import Smtp, smtp
from server.models import Role
from server.services import identities, leases, rota
from server.services.raising import raise_findings
from server.settings import Settings
from server.trends import Severity
from tests.conftest import Clock
from tests.database import one, rows
from tests.factories import Actors, days_later, finding, make_member
from tests.mail.conftest import self_signed as self_signed  # noqa: PLC0414  # a fixture
from tests.mail.conftest import tls as tls  # noqa: PLC0414  # a fixture
from tests.mail.test_faults import ANSWERED, CALLED, CODES, LASTING, patience
from tests.mail_server import Fault, MailServer, Step, listening
from tests.services.conftest import email_id as email_id  # noqa: PLC0414  # a fixture

RECORD = "SELECT state, attempts, last_error, sent_at, claim FROM alert_email"


@dataclass
class Sending:
    """The job, as the worker runs it, with this way out."""

    app: Flask
    settings: Settings
    clock: Clock

    def __call__(self, send: Smtp) -> None:
        self.app.extensions["interlude"] = Parts(self.settings, self.clock, send)
        for clinic_id, id_ in rows("SELECT clinic_id::text, id::text FROM alert_email ORDER BY id"):
            delivering.deliver(clinic_id, id_)


@pytest.fixture
def deliver(app: Flask, settings: Settings, clock: Clock) -> Sending:
    return Sending(app, settings, clock)


def check_put_off(clock: Clock, detail: str, attempts: int = 1) -> None:
    """Kept with its reason; the tick leaves it alone before its time, and queues it then."""
    assert rows(RECORD) == [("queued", attempts, detail, None, None)]
    due_at: datetime = one("SELECT due_at FROM alert_email")
    longest = min(leases.FIRST_PAUSE * 2 ** (attempts - 1), leases.LONGEST_PAUSE)
    assert longest / 2 <= due_at - clock() <= longest
    assert delivering.enqueue_due(clock()) == 0
    clock.at = due_at
    assert delivering.enqueue_due(clock()) == 1
    db.session.commit()


def failures(step: Step) -> Mapping[str, str]:
    """What the server may do at this step that will not last, and what we call it."""
    codes = {f"{code} about bob@clinic.example": f"SMTP {code}" for code in CODES if (step, code) not in LASTING}
    return codes | CALLED


@pytest.mark.parametrize("step", [step for step in ANSWERED if step is not Step.EHLO])
def test_whatever_fails_at_a_step_it_comes_back_as_the_same_mail(
    email_id: uuid.UUID, deliver: Sending, clock: Clock, step: Step
) -> None:
    failing = failures(step)
    with listening(MailServer([*({step: answer} for answer in failing), {}])) as server:
        for attempts, detail in enumerate(failing.values(), start=1):
            deliver(server.client(**patience(detail)))
            check_put_off(clock, detail, attempts)
        assert server.taken == []
        deliver(server.client())
    assert rows(RECORD) == [("sent", len(failing) + 1, None, clock(), None)]
    assert len(server.taken) == 1
    assert {message["Message-ID"] for message in server.came} == {f"<{email_id}@interlude.example>"}
    # Nothing but an answer to the data comes too late to stop them.
    assert (len(server.came) > 1) == (step is Step.END)


@pytest.mark.parametrize(("step", "code"), sorted(LASTING))
def test_a_refusal_for_good_ends_it(email_id: uuid.UUID, deliver: Sending, clock: Clock, step: Step, code: int) -> None:
    with listening(MailServer([{step: f"{code} about bob@clinic.example"}, {}])) as server:
        for _ in range(2):
            deliver(server.client())
            assert rows(RECORD) == [("undeliverable", 1, f"SMTP {code}", None, None)]
            clock.pass_by(days=1)
            assert delivering.enqueue_due(clock()) == 0
    assert server.taken == []


@pytest.mark.parametrize("answer", [*Fault, "421 bye"])
def test_after_the_250_it_is_sent_whatever_follows(
    email_id: uuid.UUID, deliver: Sending, clock: Clock, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(smtp, "GOODBYE_SECONDS", 0.2)
    with listening(MailServer([{Step.QUIT: answer}])) as server:
        deliver(server.client())
    assert rows(RECORD) == [("sent", 1, None, clock(), None)]
    assert len(server.taken) == 1


@pytest.mark.parametrize("at_once", [True, False], ids=["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for(
    email_id: uuid.UUID, deliver: Sending, clock: Clock, tls: ssl.SSLContext, self_signed: Path,
    monkeypatch: pytest.MonkeyPatch, at_once: bool,
) -> None:  # fmt: skip
    with listening(MailServer(tls=tls, tls_at_once=at_once)) as server:
        deliver(server.client())
        check_put_off(clock, "SSLCertVerificationError")
        assert server.came == []
        monkeypatch.setenv("SSL_CERT_FILE", str(self_signed))
        deliver(server.client())
    assert rows(RECORD) == [("sent", 2, None, clock(), None)]


def test_a_server_that_is_away(email_id: uuid.UUID, deliver: Sending, clock: Clock) -> None:
    with listening(MailServer()) as server:
        pass
    deliver(server.client())
    check_put_off(clock, "ConnectionRefusedError")


@pytest.fixture
def team(actors: Actors, clock: Clock) -> Callable[[int], None]:
    """So many hear at once of an urgent alert of Ada's: Bob, and all who are on call."""

    def told(size: int) -> None:
        for number in range(size - 1):
            dan = make_member(actors.clinic, Role.CLINICIAN, f"Dan{number}", clock())
            rota.add_on_call(identities.of_member(actors.bob), dan.id, clock(), days_later(clock(), 1), clock())
        raise_findings(actors.ada, [finding(clock().date(), Severity.URGENT)], clock())
        db.session.commit()

    return told


def test_one_recipient_that_is_refused_costs_no_other_the_mail(team: Any, deliver: Sending) -> None:
    team(3)
    refuses = {"bob@clinic.example": "550 no such user", "dan0@interlude.example": "450 busy"}
    with listening(MailServer(refuses=refuses)) as server:
        deliver(server.client())
    assert sorted(rows("SELECT state, last_error FROM alert_email"), key=str) == [
        ("queued", "SMTP 450"), ("sent", None), ("undeliverable", "SMTP 550")
    ]  # fmt: skip
    assert [message["To"] for message in server.taken] == ["dan1@interlude.example"]


def test_those_who_are_put_off_together_come_back_apart(team: Any, deliver: Sending) -> None:
    team(6)
    with listening(MailServer([{Step.MAIL: "421 busy"}])) as server:
        deliver(server.client())
    assert len(set(rows("SELECT due_at FROM alert_email"))) == 6
